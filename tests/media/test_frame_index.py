"""Of `frame_index`, `key_frame_reader`, `key_frames` and `byte_cache`: any frame, as from the start.

Tests media/key_frame_reader.py and media/key_frames.py too.
"""

import random
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

from vosctl.errors import ClipError
from vosctl.media import frame_index, key_frame_reader
from vosctl.media.byte_cache import ByteCache
from vosctl.media.clip import Frame, open_clip
from vosctl.media.frame_index import FrameIndex
from vosctl.media.key_frame_reader import KeyFrameReader, UnlikeIndexError

from .conftest import MakeVideo
from .scenes import scene

B_FRAMES = {"bf": "3", "sc_threshold": "0", "crf": "20"}


def sequential(path: Path) -> list[Frame]:
    frames = []
    try:
        for frame in open_clip(path):
            frames.append(frame)
    except ClipError:
        pass
    return frames


def orders(count: int) -> list[int]:
    """Jumps, then backwards, then forwards."""
    jumps = random.Random(0).sample(range(count), count)
    return [*jumps, *reversed(range(count)), *range(count)]


def require_same(index: FrameIndex, path: Path, order: Sequence[int] | None = None) -> None:
    expected = sequential(path)
    for number in orders(len(expected)) if order is None else order:
        frame = index.frame(number)
        assert (frame.index, frame.time, frame.stem) == (
            number,
            expected[number].time,
            expected[number].stem,
        )
        np.testing.assert_array_equal(frame.rgb, expected[number].rgb)
    for number in (len(expected), -1, 10**8):
        with pytest.raises(ClipError, match=f"there is no frame {number}$"):
            index.frame(number)
    assert index.count == len(expected)


@pytest.fixture
def small_caches(monkeypatch: pytest.MonkeyPatch) -> None:
    """Room for five pictures of 64x48, so that most frames are decoded again."""
    monkeypatch.setattr(frame_index, "_CACHE", 5 * 64 * 48 * 3)
    monkeypatch.setattr(frame_index, "_NEAR", 4)
    monkeypatch.setattr(key_frame_reader, "_WHOLE", 2)
    monkeypatch.setattr(key_frame_reader, "_CACHE", 5 * 64 * 48 * 3 // 2)


def noisy(count: int) -> list[np.ndarray]:
    """Pictures of which no two are alike."""
    generator = np.random.default_rng(0)
    return [
        np.clip(picture + generator.integers(0, 30, picture.shape), 0, 255).astype(np.uint8)
        for picture in scene(count)
    ]


@pytest.mark.usefixtures("small_caches")
@pytest.mark.parametrize(
    ("name", "options", "keys"),
    [
        ("long.mp4", {"g": "250"}, 1),
        ("short.mp4", {"g": "12"}, 5),
        ("open.mp4", {"g": "12", "x264-params": "open-gop=1:b-pyramid=normal"}, 5),
        ("short.mkv", {"g": "12"}, 5),
        ("short.ts", {"g": "12"}, 5),
        ("all.mp4", {"g": "1", "bf": "0"}, 60),
    ],
)
def test_any_order_gives_what_reading_from_the_start_gives(
    make_video: MakeVideo, name: str, options: dict[str, str], keys: int
) -> None:
    path = make_video(name, noisy(60), options={**B_FRAMES, **options})
    with KeyFrameReader(path, None, 1 << 20) as reader:
        assert reader.count == 60
        assert len(reader._keys.keys) == keys
    with FrameIndex(path) as index:
        require_same(index, path)
        assert index._reader is not None  # it was not read from the start


@pytest.mark.usefixtures("small_caches")
@pytest.mark.parametrize(
    ("name", "codec", "options"),
    [
        ("a.mp4", "libx265", {"x265-params": "keyint=12:bframes=3:log-level=none"}),
        ("a.mp4", "mpeg4", {"g": "12", "bf": "2"}),
        (
            "a.webm",
            "libvpx-vp9",
            {"g": "12", "auto-alt-ref": "1", "lag-in-frames": "10", "deadline": "realtime"},
        ),
        ("a.mkv", "ffv1", {"g": "5"}),
    ],
)
def test_other_codecs(make_video: MakeVideo, name: str, codec: str, options: dict[str, str]) -> None:
    if codec not in av.codecs_available:
        pytest.skip(f"no encoder {codec}")
    path = make_video(name, noisy(40), codec=codec, options=options)
    with FrameIndex(path) as index:
        require_same(index, path)
        assert index._reader is not None


@pytest.mark.usefixtures("small_caches")
def test_times_that_vary(make_video: MakeVideo) -> None:
    generator = random.Random(1)
    times = [Fraction(n, 10) + Fraction(generator.randint(0, 90), 1000) for n in range(40)]
    path = make_video("a.mp4", noisy(40), times=times, options={**B_FRAMES, "g": "9"})
    with FrameIndex(path) as index:
        require_same(index, path)
        assert index._reader is not None


@pytest.mark.usefixtures("small_caches")
def test_a_stream_without_times_is_read_from_the_start(make_video: MakeVideo) -> None:
    path = make_video("a.h264", noisy(20), options={**B_FRAMES, "g": "6"})
    with FrameIndex(path) as index:
        require_same(index, path, [7, 19, 3, 2, 1, 0, 12])
        assert index._reader is None


@pytest.mark.usefixtures("small_caches")
@pytest.mark.parametrize("name", ["a.mp4", "a.mkv", "a.ts"])
def test_a_damaged_file(make_video: MakeVideo, name: str) -> None:
    path = make_video(name, noisy(24), options={"g": "6", "bf": "0", "sc_threshold": "0"})
    with av.open(str(path)) as container:
        packets = [(p.pos, p.size) for p in container.demux(video=0) if p.size][6:12]
    data = bytearray(path.read_bytes())
    for at, size in packets:
        at += 8 * (name == "a.mkv")  # behind the head of a block
        data[at : at + min(size, 150)] = b"\xff" * min(size, 150)
    path.write_bytes(data)
    with FrameIndex(path) as index:
        require_same(index, path)
        assert index._reader is None or name == "a.ts"  # where whole packets are lost, with their times


@pytest.mark.usefixtures("small_caches")
@pytest.mark.parametrize("name", ["a.mp4", "a.mkv", "a.ts"])
def test_a_file_that_breaks_off(make_video: MakeVideo, name: str) -> None:
    path = make_video(name, noisy(50), options={**B_FRAMES, "g": "10"})
    data = path.read_bytes()
    path.write_bytes(data[: len(data) * 6 // 10])
    with FrameIndex(path) as index:
        require_same(index, path)


@pytest.mark.usefixtures("small_caches")
def test_a_change_of_size_ends_the_clip(make_video: MakeVideo, tmp_path: Path) -> None:
    path = tmp_path / "joined.ts"
    parts = [make_video("a.ts", noisy(6)), make_video("b.ts", scene(6, 32, 32))]
    path.write_bytes(b"".join(part.read_bytes() for part in parts))
    with FrameIndex(path) as index:
        require_same(index, path, [5, 0, 3])


@pytest.mark.usefixtures("small_caches")
def test_a_codec_whose_packets_may_be_hidden_is_read_from_the_start(make_video: MakeVideo) -> None:
    path = make_video("a.avi", noisy(12), codec="mpeg2video", options={"g": "4"})
    with FrameIndex(path) as index:
        require_same(index, path)
        assert index._reader is None


def test_a_folder_reads_only_what_is_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number, picture in enumerate(scene(6)):
        Image.fromarray(picture).save(tmp_path / f"{number}.png")
    with FrameIndex(tmp_path) as index:
        (tmp_path / "2.png").write_bytes(b"broken")
        for number in (5, 1, 4, 1):
            np.testing.assert_array_equal(index.frame(number).rgb, scene(6)[number])
        with pytest.raises(ClipError, match=r"2\.png"):
            index.frame(2)
        with pytest.raises(ClipError, match="has 6 frames, counted from 0; there is no frame 6"):
            index.frame(6)


def test_what_is_kept_is_decoded_once(make_video: MakeVideo, monkeypatch: pytest.MonkeyPatch) -> None:
    path = make_video("a.mp4", noisy(60), options={**B_FRAMES, "g": "30"})
    begun = []
    begin = KeyFrameReader._begin
    monkeypatch.setattr(KeyFrameReader, "_begin", lambda self, *at: begun.append(at) or begin(self, *at))
    with FrameIndex(path) as index:
        index.frame(50)
        for number in [*range(49, 29, -1), *range(30, 60)]:
            index.frame(number)
        # The first picture, a jump that leaves some out, and the whole group on the way back.
        assert begun == [(0, 0), (30, 34), (30, 30)]
        for number in range(29, -1, -1):
            index.frame(number)
        assert begun[3:] == [(0, 13), (0, 0)]


def test_an_index_that_is_wrong_is_found_out_and_dropped(
    make_video: MakeVideo, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = make_video("a.mp4", noisy(40), options={**B_FRAMES, "g": "10"})
    expected = sequential(path)
    with FrameIndex(path) as index:
        np.testing.assert_array_equal(index.exact(35).rgb, expected[35].rgb)
        assert index._reader is not None
        frame = KeyFrameReader.frame
        monkeypatch.setattr(KeyFrameReader, "frame", lambda self, number: frame(self, number - 1))
        shown = index.frame(38)
        np.testing.assert_array_equal(shown.rgb, expected[37].rgb)
        np.testing.assert_array_equal(index.exact(38).rgb, expected[38].rgb)
        np.testing.assert_array_equal(index.frame(37).rgb, expected[37].rgb)
        assert index._reader is None


def test_pictures_that_are_not_as_promised_are_not_given(
    make_video: MakeVideo, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = make_video("a.mp4", noisy(30), options={**B_FRAMES, "g": "10"})
    with KeyFrameReader(path, None, 1 << 20) as reader:
        reader._keys.times[24] += 1
        reader.frame(23)
        with pytest.raises(UnlikeIndexError):
            reader.frame(24)


def test_what_was_used_last_is_kept() -> None:
    cache: ByteCache[str] = ByteCache(10)
    for number in range(3):
        cache.put(number, "abc", 3)
    assert cache.get(0) == "abc"
    cache.put(3, "wxyz", 4)
    assert [cache.get(number) for number in range(4)] == ["abc", None, "abc", "wxyz"]
    cache.put(4, "too much", 50)
    assert [cache.get(number) for number in range(5)] == [None] * 4 + ["too much"]
    cache.clear()
    assert cache.get(4) is None
