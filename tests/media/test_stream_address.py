import pickle
from pathlib import Path

import pytest

from vosctl.media.stream_address import clip_path, stream_address


@pytest.mark.parametrize(
    "address", ["rtsp://user:word@camera/live/", "https://host//a//b.mp4?next=http://other//c/", "srt://h:9"]
)
def test_an_address_keeps_its_slashes(address: str) -> None:
    path = pickle.loads(pickle.dumps(clip_path(address)))  # as it goes to another process
    assert str(path) == f"{path}" == address
    stream = stream_address(path)
    assert stream is not None
    assert stream.url == address
    assert "word" not in stream.name


def test_what_is_made_from_an_address_is_a_plain_path() -> None:
    path = clip_path("http://host//a/clip.mp4")
    assert path.name == "clip.mp4"
    assert str(path.parent / "x.png") == "http:/host/a/x.png"
    assert str(path.with_suffix(".png")) == "http:/host/a/clip.png"
    assert pickle.loads(pickle.dumps(path.parent)) == Path("http:/host/a")


def test_other_names_are_paths_as_ever() -> None:
    assert clip_path("a//b/") == Path("a/b")
    assert type(clip_path("-")) is type(Path())
