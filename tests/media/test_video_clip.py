"""Of `video_clip`, `decoder` and `gaps`: frames of files, whole, damaged or cut off.

Tests media/decoder.py, media/gaps.py and media/picture_stream.py too.
"""

import hashlib
import struct
from contextlib import suppress
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

from vosctl.errors import ClipError, TruncatedClipError
from vosctl.media.clip import Frame, open_clip
from vosctl.media.picture_stream import picture_stream

from .conftest import MakeVideo
from .scenes import flat_frame, scene

ONE = 1 << 16  # 1 in the 16.16 fixed point of a display matrix


def read(path: Path) -> list[Frame]:
    with open_clip(path) as clip:
        return list(clip)


def error_of(frame: Frame, picture: np.ndarray) -> float:
    return float(np.abs(frame.rgb.astype(int) - picture).mean())


def patch_matrix(path: Path, a: int, b: int, c: int, d: int) -> None:
    """Writes the display matrix of an MP4's only track: x' = a x + c y, y' = b x + d y."""
    data = bytearray(path.read_bytes())
    at = data.index(b"tkhd") + 4 + 40
    struct.pack_into(">9i", data, at, a * ONE, b * ONE, 0, c * ONE, d * ONE, 0, 0, 0, 1 << 30)
    path.write_bytes(data)


def test_pictures_times_and_info(make_video: MakeVideo) -> None:
    pictures = scene(5)
    path = make_video("a.mp4", pictures)
    info = open_clip(path).info
    assert (info.width, info.height, info.frame_count_hint) == (64, 48, 5)
    assert (info.rate, info.has_audio, info.is_folder, info.rotation) == (25, False, False, 0)
    frames = read(path)
    assert [f.stem for f in frames] == ["00000", "00001", "00002", "00003", "00004"]
    assert [f.time for f in frames] == [Fraction(i, 25) for i in range(5)]
    assert all(f.rgb.dtype == np.uint8 and f.rgb.flags.c_contiguous and f.rgb.flags.writeable for f in frames)
    assert max(error_of(f, p) for f, p in zip(frames, pictures, strict=True)) < 5


@pytest.mark.parametrize(
    ("matrix", "stored", "rotation"),
    [
        ((1, 0, 0, 1), lambda p: p, 0),
        ((0, 1, -1, 0), lambda p: np.rot90(p, 1), 270),  # shown turned clockwise: an upright phone
        ((-1, 0, 0, -1), lambda p: np.rot90(p, 2), 180),
        ((0, -1, 1, 0), lambda p: np.rot90(p, -1), 90),
        ((-1, 0, 0, 1), lambda p: p[:, ::-1], 0),  # a selfie camera's mirror image
        ((0, 1, 1, 0), lambda p: p.transpose(1, 0, 2), 270),
    ],
)
def test_frames_are_upright(make_video: MakeVideo, matrix, stored, rotation: int) -> None:
    picture = scene(1)[0]
    path = make_video("a.mp4", [np.ascontiguousarray(stored(picture))] * 2)
    patch_matrix(path, *matrix)
    info = open_clip(path).info
    assert (info.width, info.height, info.rotation) == (64, 48, rotation)
    for frame in read(path):
        assert error_of(frame, picture) < 5
    with av.open(str(path)) as container:  # by FFmpeg's own account, mirror images aside
        turn = next(container.decode(video=0)).rotation
    if np.linalg.det(np.reshape(matrix, (2, 2))) > 0:
        assert turn % 360 == rotation


def test_variable_times_are_kept(make_video: MakeVideo) -> None:
    times = [Fraction(n, 1000) for n in (0, 33, 70, 500, 511, 2000)]
    assert [f.time for f in read(make_video("a.mp4", scene(6), times=times))] == times


def test_odd_sizes(make_video: MakeVideo) -> None:
    pictures = scene(2, width=53, height=37)
    frames = read(make_video("a.mkv", pictures, codec="ffv1", pix_fmt="yuv444p"))
    assert frames[0].rgb.shape == (37, 53, 3)
    assert error_of(frames[1], pictures[1]) < 3


def planes_of(red: int, green: int, blue: int, kr: float, kb: float) -> tuple[int, int, int]:
    """Y'CbCr in limited range by the weights of a recommendation's luma."""
    luma = kr * red + (1 - kr - kb) * green + kb * blue
    cb, cr = (blue - luma) / (2 - 2 * kb), (red - luma) / (2 - 2 * kr)
    return round(16 + luma * 219 / 255), round(128 + cb * 224 / 255), round(128 + cr * 224 / 255)


BRICK = (190, 60, 40)
BRICK_709 = planes_of(*BRICK, kr=0.2126, kb=0.0722)
BRICK_601 = planes_of(*BRICK, kr=0.299, kb=0.114)


@pytest.mark.parametrize(
    ("tag", "size", "planes"),
    [
        (1, (64, 48), BRICK_709),
        (6, (1280, 720), BRICK_601),
        (None, (64, 48), BRICK_601),
        (None, (1280, 720), BRICK_709),
    ],
)
def test_colours_by_the_tagged_matrix_or_by_the_size(make_video: MakeVideo, tag, size, planes) -> None:
    picture = flat_frame(planes, "yuv420p", *size)
    path = make_video("a.mkv", [picture], codec="ffv1", colorspace=tag)
    found = read(path)[0].rgb[10, 10].astype(int)
    assert np.abs(found - BRICK).max() <= 3


def test_full_range(make_video: MakeVideo) -> None:
    path = make_video("a.mkv", [flat_frame((20, 128, 128), "yuv420p")], codec="ffv1", color_range=2)
    assert np.abs(read(path)[0].rgb.astype(int) - 20).max() <= 1
    path = make_video("b.mkv", [flat_frame((16, 128, 128), "yuv420p")], codec="ffv1", color_range=1)
    assert read(path)[0].rgb.max() <= 1


@pytest.mark.parametrize(
    ("pix_fmt", "values", "colour"),
    [
        ("yuv420p10le", tuple(4 * v for v in BRICK_601), BRICK),
        ("gray", (77,), (77, 77, 77)),
        ("yuva420p", (*BRICK_601, 9), BRICK),
    ],
)
def test_other_formats_become_rgb(make_video: MakeVideo, pix_fmt: str, values, colour) -> None:
    frame = read(make_video("a.mkv", [flat_frame(values, pix_fmt)], codec="ffv1", pix_fmt=pix_fmt))[0]
    assert frame.rgb.shape == (48, 64, 3)
    assert np.abs(frame.rgb[5, 5].astype(int) - colour).max() <= 3


def test_rgb_video_is_exact(make_video: MakeVideo) -> None:
    picture = scene(1)[0]
    bgra = av.VideoFrame.from_ndarray(picture).reformat(format="bgra")
    frame = read(make_video("a.mkv", [bgra], codec="ffv1", pix_fmt="bgra"))[0]
    np.testing.assert_array_equal(frame.rgb, picture)


def test_pixels_that_are_not_square(make_video: MakeVideo) -> None:
    path = make_video("a.mp4", scene(1), pixel_aspect=Fraction(4, 3))
    assert open_clip(path).info.pixel_aspect == Fraction(4, 3)
    patch_matrix(path, 0, 1, -1, 0)
    assert open_clip(path).info.pixel_aspect == Fraction(3, 4)


def test_sound_is_seen_and_a_cover_picture_is_no_video(make_video: MakeVideo, tmp_path: Path) -> None:
    assert open_clip(make_video("a.mp4", scene(2), sound=Fraction(1, 10))).info.has_audio
    path = tmp_path / "sound.mka"
    with av.open(str(path), "w", format="matroska") as container:
        track = container.add_stream("pcm_s16le", rate=8000, layout="mono")
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 800), np.int16), layout="mono")
        frame.sample_rate = 8000
        container.mux(track.encode(frame))
        container.mux(track.encode())
    with pytest.raises(ClipError, match=r"sound\.mka holds no video"):
        open_clip(path)


def test_a_colon_in_the_name_is_no_protocol(make_video: MakeVideo, tmp_path: Path) -> None:
    path = make_video("a.mp4", scene(2)).rename(tmp_path / "take:2.mp4")
    assert len(read(path)) == 2


def test_a_change_of_size_names_the_frame(make_video: MakeVideo, tmp_path: Path) -> None:
    path = tmp_path / "joined.h264"
    parts = [make_video("a.h264", scene(3)), make_video("b.h264", scene(3, 32, 32))]
    path.write_bytes(b"".join(part.read_bytes() for part in parts))
    frames = iter(open_clip(path))
    assert [next(frames).index for _ in range(3)] == [0, 1, 2]
    with pytest.raises(TruncatedClipError, match="changes its size at frame 3: 32x32 after 64x48"):
        next(frames)


def test_frames_without_times_get_them_from_the_rate(make_video: MakeVideo) -> None:
    frames = read(make_video("a.h264", scene(4)))  # a raw stream has no clock
    steps = {b.time - a.time for a, b in pairwise(frames)}
    assert len(frames) == 4
    assert steps == {Fraction(1, 25)}


@pytest.mark.parametrize(("name", "codec"), [("a.mp4", "libx264"), ("a.mkv", "libx264"), ("a.avi", "mpeg4")])
def test_a_truncated_file_keeps_its_whole_frames(make_video: MakeVideo, name: str, codec: str) -> None:
    generator = np.random.default_rng(0)
    pictures = [generator.integers(0, 255, (48, 64, 3), np.uint8) for _ in range(50)]
    path = make_video(name, pictures, codec=codec)
    whole = read(path)
    assert len(whole) == 50
    data = path.read_bytes()
    path.write_bytes(data[: len(data) * 6 // 10])
    seen: list[Frame] = []
    with pytest.raises(TruncatedClipError, match=r"breaks off after \d+ of about 50 frames") as caught:
        seen.extend(open_clip(path))  # keeps what came before the exception
    assert 15 < len(seen) < 35
    assert f"after {len(seen)} of" in str(caught.value)
    assert caught.value.exit_code == 3
    for frame, original in zip(seen, whole, strict=False):
        np.testing.assert_array_equal(frame.rgb, original.rgb)


def test_a_truncated_file_with_its_index_at_the_end_cannot_be_opened(make_video: MakeVideo) -> None:
    path = make_video("a.mp4", scene(20), faststart=False)
    path.write_bytes(path.read_bytes()[:-400])
    with pytest.raises(ClipError, match="not a video that FFmpeg can read, or it is incomplete"):
        open_clip(path)


def test_damage_in_the_middle_is_passed_over(make_video: MakeVideo) -> None:
    generator = np.random.default_rng(0)
    pictures = [generator.integers(0, 255, (48, 64, 3), np.uint8) for _ in range(40)]
    path = make_video("a.mp4", pictures)
    data = bytearray(path.read_bytes())
    middle = len(data) // 2
    data[middle : middle + 600] = generator.integers(0, 255, 600, np.uint8).tobytes()
    path.write_bytes(data)
    frames = read(path)
    assert 36 <= len(frames) <= 40
    times = [f.time for f in frames]
    assert times == sorted(set(times))


def test_damaged_data_gives_the_same_frames_every_time(make_video: MakeVideo) -> None:
    """FFmpeg guesses what is missing of a picture from its neighbours, which in parallel are not done yet."""
    generator = np.random.default_rng(3)
    start = generator.integers(0, 255, (270, 480, 3)).astype(np.uint8)
    pictures = [np.roll(start, (3 * i, 5 * i), (0, 1)) for i in range(24)]
    path = make_video("a.mp4", pictures, options={"preset": "medium", "bf": "3", "g": "24"})
    data = bytearray(path.read_bytes())
    for at in generator.integers(len(data) // 3, len(data), 12):
        data[at : at + 8] = generator.integers(0, 255, 8, np.uint8).tobytes()
    path.write_bytes(data)

    def digest() -> str:
        frames = hashlib.sha256()
        with suppress(TruncatedClipError):
            for frame in open_clip(path):
                frames.update(frame.rgb.tobytes())
        return frames.hexdigest()

    assert len({digest() for _ in range(10)}) == 1


def test_a_sound_file_is_decoded_once_and_in_parallel(
    make_video: MakeVideo, monkeypatch: pytest.MonkeyPatch
) -> None:
    clip, asked = open_clip(make_video("a.mp4", scene(12))), []
    monkeypatch.setattr(
        "vosctl.media.video_clip.picture_stream",
        lambda *rest: asked.append(rest[-1]) or picture_stream(*rest),
    )
    assert [frame.index for frame in clip] == list(range(12))
    assert asked == ["AUTO"]


def test_an_edit_that_hides_the_end_is_no_break(make_video: MakeVideo) -> None:
    path = make_video("a.mp4", scene(50))
    data = bytearray(path.read_bytes())
    at = data.index(b"elst") + 12  # duration of the first edit, in the movie's clock
    (duration,) = struct.unpack_from(">I", data, at)
    struct.pack_into(">I", data, at, duration // 2)
    path.write_bytes(data)
    assert 20 <= len(read(path)) <= 30


def test_sound_that_outlasts_the_pictures_is_no_break(make_video: MakeVideo) -> None:
    for name in ("a.mp4", "a.mkv"):
        assert len(read(make_video(name, scene(5), sound=Fraction(3)))) == 5


def test_frames_that_are_missing_in_the_middle_are_told_and_keep_their_numbers(make_video: MakeVideo) -> None:
    path = make_video("a.mp4", scene(24), options={"g": "6", "bf": "0", "sc_threshold": "0"})
    whole = read(path)
    with av.open(str(path)) as container:
        packets = [(p.pos, p.size) for p in container.demux(video=0) if p.size][6:12]
    data = bytearray(path.read_bytes())
    for at, size in packets:
        data[at : at + size] = b"\xff" * size
    path.write_bytes(data)
    seen: list[Frame] = []
    with pytest.raises(TruncatedClipError, match=r"6 frames in the middle \(6-11\) could not be decoded"):
        seen.extend(open_clip(path))
    assert [(f.index, f.time) for f in seen] == [(f.index, f.time) for f in whole]
    for index in range(24):
        expected = whole[5 if 6 <= index <= 11 else index]
        np.testing.assert_array_equal(seen[index].rgb, expected.rgb)


def test_a_file_that_is_deleted_while_it_is_read_is_whole(make_video: MakeVideo) -> None:
    path = make_video("a.mp4", scene(5))
    frames = iter(open_clip(path))
    next(frames)
    path.unlink()
    assert len(list(frames)) == 4


def test_exif_beside_a_turned_picture(tmp_path: Path) -> None:
    """FFmpeg gives EXIF as a kind of side data for which PyAV has no name."""
    upright = scene(1)[0]
    exif = Image.Exif()
    exif[0x0112] = 6  # stored lying: to be turned clockwise by 90 degrees
    Image.fromarray(np.ascontiguousarray(np.rot90(upright))).save(tmp_path / "a.png", exif=exif)
    with open_clip(tmp_path / "a.png") as clip:
        assert clip.info.rotation == 270
        np.testing.assert_array_equal(next(iter(clip)).rgb, upright)
