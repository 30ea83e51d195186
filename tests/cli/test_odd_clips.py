"""Broken and odd clips through the command: never a traceback, a hang or a half-written file."""

import os
from collections.abc import Callable
from pathlib import Path

import av
import numpy as np
import pytest

from tests.cli.command import Command, Result
from tests.cli.odd_files import FRAMES, MASK, Make, check_clean, check_refused, encode, png, png_of, write


def corrupt_middle() -> None:
    data = bytearray(encode("c.ts", container="mpegts", options={"g": "2"}))
    data[len(data) // 2 : len(data) // 2 + 188 * 2] = b"\x47" + bytes(188 * 2 - 1)
    write("c.ts", bytes(data))


def size_change() -> None:
    large = [np.repeat(np.repeat(frame, 2, 0), 2, 1) for frame in FRAMES]
    write("c.h264", encode("a.h264", container="h264") + encode("b.h264", large, container="h264"))


def audio_only() -> None:
    with av.open("c.m4a", "w", format="mp4") as output:
        stream = output.add_stream("aac", rate=8000, layout="mono")
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 4096), np.float32), format="fltp", layout="mono")
        frame.sample_rate = 8000
        output.mux(stream.encode(frame))
        output.mux(stream.encode())


def folder_of(**files: bytes) -> None:
    Path("c").mkdir()
    for name, data in files.items():
        write(f"c/{name.replace('_', '.')}", data)


GOOD = png(FRAMES[0])
PICTURES = {f"{index}_png": png(frame) for index, frame in enumerate(FRAMES)}

# name -> (clip, how to make it): refused with one line that names the clip
BAD_CLIPS: dict[str, tuple[str, Make]] = {
    "zero bytes": ("c.mp4", lambda: write("c.mp4", b"")),
    "text": ("c.mp4", lambda: write("c.mp4", b"not a video\n" * 100)),
    "random bytes": ("c.mkv", lambda: write("c.mkv", np.random.default_rng(0).bytes(4096))),
    "an MP4 without its index": ("c.mp4", lambda: write("c.mp4", encode("a.mp4")[:600])),
    "an MP4's first bytes": ("c.mp4", lambda: write("c.mp4", encode("a.mp4")[:16])),
    "huge box sizes": ("c.mp4", lambda: write("c.mp4", encode("a.mp4")[:32] + b"\x7f\xff\xff\xffmoov")),
    "only a Matroska header": ("c.mkv", lambda: write("c.mkv", encode("a.mkv")[:64])),
    "sound alone": ("c.m4a", audio_only),
    "subtitles": ("c.srt", lambda: write("c.srt", b"1\n00:00:00,000 --> 00:00:01,000\nhello\n")),
    "an empty folder": ("c", lambda: folder_of()),
    "a folder of text": ("c", lambda: folder_of(a_txt=b"x")),
    "two frames of one name": ("c", lambda: folder_of(a_png=GOOD, a_bmp=GOOD)),
    "a link to itself": ("c.mp4", lambda: Path("c.mp4").symlink_to("c.mp4")),
    "a link to nothing": ("c.mp4", lambda: Path("c.mp4").symlink_to("nowhere.mp4")),
    "nothing": ("c.mp4", lambda: None),
    "a name with a protocol": ("concat:a|b", lambda: None),
    "a dead address": ("http://127.0.0.1:9/c.mp4", lambda: None),
    "a GIF cut short": ("c.gif", lambda: write("c.gif", b"GIF89a\x40\x00\x30\x00")),
    "a picture of 60000x60000": ("c", lambda: folder_of(a_png=png_of(60000, 60000, b""))),
}

# name -> (clip, how to make it, frames): what comes before the fault is kept
CUT_CLIPS: dict[str, tuple[str, Make, int]] = {
    "a folder with a broken picture": ("c", lambda: folder_of(a_png=GOOD, b_png=GOOD[:90]), 1),
    "a folder with an empty picture": ("c", lambda: folder_of(a_png=GOOD, b_png=b""), 1),
    "a folder of two sizes": ("c", lambda: folder_of(a_png=GOOD, b_png=png(FRAMES[0][:20])), 1),
    "a change of size": ("c.h264", size_change, 6),
}

# name -> (clip, how to make it, frames): taken
ODD_CLIPS: dict[str, tuple[str, Make, int]] = {
    "a wrong extension": ("c.avi", lambda: encode("c.avi", container="mp4"), 6),
    "no extension": ("c", lambda: encode("c", container="mp4"), 6),
    "one frame": ("c.mp4", lambda: encode("c.mp4", FRAMES[:1]), 1),
    "10 bits": ("c.mkv", lambda: encode("c.mkv", codec="ffv1", pix_fmt="yuv420p10le"), 6),
    "HDR": ("c.mkv", lambda: encode("c.mkv", codec="ffv1", pix_fmt="yuv420p10le", trc=16), 6),
    "16 bits": ("c.mkv", lambda: encode("c.mkv", codec="ffv1", pix_fmt="yuv444p16le"), 6),
    "grayscale": ("c.mkv", lambda: encode("c.mkv", codec="ffv1", pix_fmt="gray"), 6),
    "alpha": ("c.mkv", lambda: encode("c.mkv", codec="ffv1", pix_fmt="bgra"), 6),
    "interlaced": ("c.mp4", lambda: encode("c.mp4", options={"x264-params": "tff=1"}), 6),
    "late timestamps": ("c.mkv", lambda: encode("c.mkv", pts=lambda i: i + 1000), 6),
    "uneven timestamps": ("c.mkv", lambda: encode("c.mkv", pts=lambda i: i * i), 6),
    # Matroska shifts them; MP4 cuts what comes before nought, and players do not show it.
    "negative timestamps": ("c.mkv", lambda: encode("c.mkv", pts=lambda i: i - 3), 6),
    "negative timestamps, cut": ("c.mp4", lambda: encode("c.mp4", pts=lambda i: i - 3), 3),
    "no timestamps": ("c.h264", lambda: encode("c.h264", container="h264"), 6),
    "bare frames of Y4M": ("c.y4m", lambda: encode("c.y4m", codec="wrapped_avframe"), 6),
    "a GIF": ("c.gif", lambda: encode("c.gif", codec="gif", pix_fmt="rgb8"), 6),
    "fragments": (
        "c.mp4",
        lambda: encode("c.mp4", muxer={"movflags": "frag_keyframe+empty_moov"}),
        6,
    ),
    "spaces": ("a  clip .mp4", lambda: encode("a  clip .mp4"), 6),
    "a newline": ("a\nclip.mp4", lambda: encode("a\nclip.mp4"), 6),
    "markup": ("[red]clip[bold].mp4", lambda: encode("[red]clip[bold].mp4"), 6),
    "a colon": ("data:clip.mp4", lambda: encode("./data:clip.mp4", container="mp4"), 6),
    "a percent sign": ("c%03d.mp4", lambda: Path("x.mp4").rename("c%03d.mp4") if encode("x.mp4") else 0, 6),
    "pictures of other depths": ("c", lambda: folder_of(**{**PICTURES, "x_png": png(MASK * 200)}), 7),
    "macOS' hidden copies": ("c", lambda: folder_of(**PICTURES, __0_png=b"x"), 6),
}


@pytest.mark.parametrize("name", BAD_CLIPS)
def test_a_clip_that_cannot_be_used(name: str, segment: Callable[..., Result], tmp_path: Path) -> None:
    clip, make = BAD_CLIPS[name]
    make()
    write("first.png", png(MASK * 255))
    result = segment(clip, "--mask", "first.png", "-o", "out")
    check_refused(result, Path(clip).name)
    check_clean(tmp_path)


@pytest.mark.parametrize("name", CUT_CLIPS)
def test_what_comes_before_a_fault_is_kept(name: str, segment: Callable[..., Result], tmp_path: Path) -> None:
    clip, make, frames = CUT_CLIPS[name]
    make()
    write("first.png", png(MASK * 255))
    result = segment(clip, "--mask", "first.png", "-o", "out", "--overlay", "o.mp4")
    assert result.code == 3, result.err
    assert Path(clip).name in result.error
    assert len(list(Path("out").glob("*.png"))) == frames
    with av.open("o.mp4") as drawn:
        assert sum(1 for _ in drawn.decode(video=0)) == frames
    check_clean(tmp_path)


def test_an_empty_name_and_a_device_are_no_clips(segment: Callable[..., Result]) -> None:
    write("first.png", png(MASK * 255))
    for name, words in (("", "name is empty"), ("/dev/zero", "is a device")):
        result = segment(name, "--mask", "first.png", "-o", "out")
        assert result.code == 2
        assert words in result.error


@pytest.mark.parametrize("name", ODD_CLIPS)
def test_an_odd_clip_gets_all_its_masks(name: str, segment: Callable[..., Result], tmp_path: Path) -> None:
    clip, make, frames = ODD_CLIPS[name]
    make()
    write("first.png", png(MASK * 255))
    result = segment(f"./{clip}", "--mask", "first.png", "-o", "out")
    assert result.code == 0, result.err
    assert len(list(Path("out").glob("*.png"))) == frames
    if name == "HDR":
        assert "HDR (PQ) was tone-mapped" in result.err
    check_clean(tmp_path)


def test_corrupt_packets_in_the_middle_cost_no_more_than_themselves(
    segment: Callable[..., Result], tmp_path: Path
) -> None:
    corrupt_middle()
    write("first.png", png(MASK * 255))
    result = segment("c.ts", "--mask", "first.png", "-o", "out")
    assert result.code in (0, 3), result.err
    assert "Traceback" not in result.err
    assert list(Path("out").glob("*.png"))
    check_clean(tmp_path)


def test_bytes_that_are_no_text_in_a_name(segment: Callable[..., Result]) -> None:
    name = os.fsdecode(b"clip\xff.mp4")
    try:
        Path(name).write_bytes(b"")
    except OSError:
        pytest.skip("this file system takes text alone")
    result = segment(name, "--mask", "first.png", "-o", "out")
    assert result.code == 2
    assert "empty file" in result.error


def test_a_mask_of_a_frame_beyond_the_break(vosctl: Command, tmp_path: Path) -> None:
    """The break is what is told, and what came before it is kept."""
    data = encode("a.mp4", FRAMES * 7, muxer={"movflags": "faststart"})
    write("c.mp4", data[: len(data) * 7 // 10])
    write("first.png", png(MASK * 255))
    arguments = [
        "segment",
        "c.mp4",
        "-m",
        "first.png",
        "-m",
        "40=first.png",
        "-o",
        "out",
        "--overlay",
        "o.mp4",
    ]
    result = vosctl.tracking(*arguments, "--max-size", "32", "--variant", "d-only")
    assert result.code == 3, result.err
    assert "c.mp4 breaks off" in result.error
    with av.open("o.mp4") as drawn:
        frames = sum(1 for _ in drawn.decode(video=0))
    assert 0 < frames == len(list(Path("out").glob("*.png"))) < 42
