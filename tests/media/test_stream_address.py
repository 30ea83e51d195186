import pickle
from pathlib import Path

import pytest

from vosctl.media.stream_address import clip_path, stream_address


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("rtsp://user:word@camera/live/", "rtsp://camera/live/"),
        ("rtsp://user:word@camera", "rtsp://camera"),
        ("https://host//a//b.mp4?next=http://other//c/", "https://host//a//b.mp4"),
        ("http://host/@me/b.m3u8?token=word", "http://host/@me/b.m3u8"),
        ("srt://h:9", "srt://h:9"),
        ("http://[", "http://["),
    ],
)
def test_an_address_keeps_its_slashes_and_its_secrets(address: str, shown: str) -> None:
    path = pickle.loads(pickle.dumps(clip_path(address)))  # as it goes to another process
    stream = stream_address(path)
    assert stream is not None
    assert stream.url == address
    assert str(path) == f"{path}" == stream.name == shown
    assert "word" not in f"{path!r}{path.name}{path.parent}{path.with_suffix('.png')}"


def test_what_is_made_from_an_address_is_a_plain_path() -> None:
    path = clip_path("http://host//a/clip.mp4")
    assert path.name == "clip.mp4"
    assert str(path.parent / "x.png") == "http:/host/a/x.png"
    assert str(path.with_suffix(".png")) == "http:/host/a/clip.png"
    assert pickle.loads(pickle.dumps(path.parent)) == Path("http:/host/a")


def test_other_names_are_paths_as_ever() -> None:
    assert clip_path("a//b/") == Path("a/b")
    assert type(clip_path("-")) is type(Path())
