"""Broken and odd inputs through the command: never a traceback, a hang or a half-written file."""

import os
import struct
import zlib
from collections.abc import Callable
from fractions import Fraction
from io import BytesIO
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

from tests.cli.command import Command, Result
from tests.small import moving_discs

SIZE = (64, 48)  # (width, height)
Make = Callable[[], object]
FRAMES, LABELS = moving_discs(6, SIZE, objects=1, radius=10)
MASK = LABELS[0]


def encode(
    path: str,
    pictures: list[np.ndarray] | None = None,
    *,
    container: str | None = None,
    codec: str = "libx264",
    pix_fmt: str = "yuv420p",
    pts: Callable[[int], int] | None = None,
    options: dict[str, str] | None = None,
    muxer: dict[str, str] | None = None,
    trc: int | None = None,
) -> bytes:
    """Writes a clip of six pictures at 25 frames a second; returns its bytes."""
    with av.open(path, "w", format=container, container_options=muxer or {}) as output:
        stream = output.add_stream(codec, rate=25, options=options or {})
        pictures = FRAMES if pictures is None else pictures
        stream.height, stream.width = pictures[0].shape[:2]
        stream.pix_fmt = pix_fmt
        if trc is not None:
            stream.codec_context.color_trc, stream.codec_context.color_primaries = trc, 9
            stream.codec_context.colorspace = 9
        for index, picture in enumerate(pictures):
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(picture))
            frame.pts, frame.time_base = pts(index) if pts else index, Fraction(1, 25)
            output.mux(stream.encode(frame))
        output.mux(stream.encode())
    return Path(path).read_bytes()


def write(path: str, data: bytes) -> None:
    Path(path).write_bytes(data)


def png_of(width: int, height: int, data: bytes) -> bytes:
    """A gray PNG whose header claims a size."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    signature = b"\x89PNG\r\n\x1a\n"
    return signature + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(data)) + chunk(b"IEND", b"")


def png(array: np.ndarray) -> bytes:
    written = BytesIO()
    Image.fromarray(array).save(written, "PNG")
    return written.getvalue()


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
    "a folder with a broken picture": ("c", lambda: folder_of(a_png=GOOD, b_png=GOOD[:90])),
    "a folder with an empty picture": ("c", lambda: folder_of(a_png=GOOD, b_png=b"")),
    "a folder of two sizes": ("c", lambda: folder_of(a_png=GOOD, b_png=png(FRAMES[0][:20]))),
    "two frames of one name": ("c", lambda: folder_of(a_png=GOOD, a_bmp=GOOD)),
    "a link to itself": ("c.mp4", lambda: Path("c.mp4").symlink_to("c.mp4")),
    "a link to nothing": ("c.mp4", lambda: Path("c.mp4").symlink_to("nowhere.mp4")),
    "nothing": ("c.mp4", lambda: None),
    "a name with a protocol": ("concat:a|b", lambda: None),
    "a dead address": ("http://127.0.0.1:9/c.mp4", lambda: None),
    "a change of size": ("c.h264", size_change),
    "a GIF cut short": ("c.gif", lambda: write("c.gif", b"GIF89a\x40\x00\x30\x00")),
    "a picture of 60000x60000": ("c", lambda: folder_of(a_png=png_of(60000, 60000, b""))),
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


def soft_mask() -> np.ndarray:
    y, x = np.mgrid[: SIZE[1], : SIZE[0]]
    return (255 * np.clip(1 - np.hypot(x - 30, y - 24) / 24, 0, 1)).astype(np.uint8)


def jpeg(array: np.ndarray) -> bytes:
    written = BytesIO()
    Image.fromarray(array).save(written, "JPEG", quality=70)
    return written.getvalue()


def saved(name: str, image: Image.Image) -> Make:
    return lambda: image.save(name)


BAD_MASKS: dict[str, tuple[str, Make]] = {
    "zero bytes": ("m.png", lambda: write("m.png", b"")),
    "text": ("m.png", lambda: write("m.png", b"a mask")),
    "truncated": ("m.png", lambda: write("m.png", png(MASK)[:70])),
    "empty": ("m.png", lambda: write("m.png", png(MASK * 0))),
    "antialiased": ("m.png", lambda: write("m.png", png(soft_mask()))),
    "JPEG": ("m.jpg", lambda: write("m.jpg", jpeg(soft_mask()))),
    "a photograph": ("m.png", lambda: write("m.png", png(FRAMES[0]))),
    "too small": ("m.png", lambda: write("m.png", png(MASK[:20]))),
    "too large": ("m.png", lambda: write("m.png", png(np.tile(MASK, (2, 2))))),
    "turned": ("m.png", lambda: write("m.png", png(np.ascontiguousarray(MASK.T)))),
    "16-bit ids that are too high": ("m.png", lambda: write("m.png", png(MASK.astype(np.uint16) * 300))),
    "float TIFF": ("m.tif", saved("m.tif", Image.fromarray(MASK.astype(np.float32) / 2))),
    "a header of 50000x50000": ("m.png", lambda: write("m.png", png_of(50000, 50000, b""))),
    "a zlib bomb": ("m.png", lambda: write("m.png", png_of(20000, 20000, bytes(1 << 24)))),
    "a size of nought": ("m.png", lambda: write("m.png", png_of(0, 0, b""))),
    "a folder": ("m.png", lambda: Path("m.png").mkdir()),
    "a link to itself": ("m.png", lambda: Path("m.png").symlink_to("m.png")),
    "nothing": ("m.png", lambda: None),
    "a video": ("m.mp4", lambda: encode("m.mp4")),
    "an array of floats": ("m.npy", lambda: np.save("m.npy", MASK.astype(float))),
    "an array of objects": ("m.npy", lambda: np.save("m.npy", np.array([{}]), allow_pickle=True)),
    "an array that claims too much": (
        "m.npy",
        lambda: write(
            "m.npy",
            b"\x93NUMPY\x01\x00v\x00{'descr': '|u1', 'fortran_order': False, 'shape': (9999999, 9999999)}",
        ),
    ),
    "negative ids": ("m.npy", lambda: np.save("m.npy", MASK.astype(np.int16) * -3)),
    "PostScript": ("m.png", lambda: write("m.png", b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 64 48\n")),
}

ODD_MASKS: dict[str, tuple[str, Make]] = {
    "RGBA": (
        "m.png",
        lambda: write("m.png", png(np.dstack([np.full((*MASK.shape, 3), 90, np.uint8), MASK * 255]))),
    ),
    "1-bit": ("m.png", lambda: write("m.png", png(MASK > 0))),
    "16-bit": ("m.png", lambda: write("m.png", png(MASK.astype(np.uint16) * 65535))),
    "CMYK": ("m.tif", saved("m.tif", Image.fromarray(np.dstack([MASK * 255] * 3)).convert("CMYK"))),
    "BMP": ("m.bmp", lambda: Image.fromarray(MASK * 255).save("m.bmp")),
    "GIF": ("m.gif", lambda: Image.fromarray(MASK * 255).save("m.gif")),
    "big-endian array": ("m.npy", lambda: np.save("m.npy", MASK.astype(">i8"))),
    "void and an id": ("m.png", lambda: write("m.png", png(np.where(MASK == 0, 255, MASK)))),
    "the highest id": ("m.png", lambda: write("m.png", png(MASK * 254))),
    "a name with spaces": ("a mask .png", lambda: write("a mask .png", png(MASK * 255))),
}


def check_refused(result: Result, name: str) -> None:
    assert result.code == 2, (result.code, result.err)
    assert " ".join(name.split()) in result.error
    assert result.out == ""


def check_clean(folder: Path) -> None:
    assert not list(folder.glob("**/.*part*"))
    for mask in folder.glob("out/*.png"):
        with Image.open(mask) as image:
            image.load()


@pytest.fixture
def segment(vosctl: Command) -> Callable[..., Result]:
    """Segments with the smallest settings that still run."""
    return lambda *given: vosctl.tracking("segment", *given, "--max-size", "32", "--variant", "d-only")


@pytest.mark.parametrize("name", BAD_CLIPS)
def test_a_clip_that_cannot_be_used(name: str, segment: Callable[..., Result], tmp_path: Path) -> None:
    clip, make = BAD_CLIPS[name]
    make()
    write("first.png", png(MASK * 255))
    result = segment(clip, "--mask", "first.png", "-o", "out")
    check_refused(result, Path(clip).name)
    check_clean(tmp_path)


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


@pytest.mark.parametrize("name", BAD_MASKS)
def test_a_mask_that_cannot_be_used(name: str, segment: Callable[..., Result], tmp_path: Path) -> None:
    mask, make = BAD_MASKS[name]
    encode("c.mp4")
    make()
    check_refused(segment("c.mp4", "--mask", mask, "-o", "out"), mask)
    assert not Path("out").exists()
    check_clean(tmp_path)


@pytest.mark.parametrize("name", ODD_MASKS)
def test_an_odd_mask_is_understood(name: str, segment: Callable[..., Result], tmp_path: Path) -> None:
    mask, make = ODD_MASKS[name]
    encode("c.mp4", FRAMES[:2])
    make()
    result = segment("c.mp4", "--mask", mask, "-o", "out")
    assert result.code == 0, result.err
    first = np.array(Image.open("out/00000.png"))
    assert np.array_equal(first > 0, MASK > 0)


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


def test_the_output_is_the_input(segment: Callable[..., Result]) -> None:
    data = encode("c.mkv")
    write("first.png", png(MASK * 255))
    for given in (
        ["-o", "c.mkv", "--format", "label-video", "--overwrite"],
        ["--overlay", "c.mkv", "--overwrite"],
    ):
        assert segment("c.mkv", "--mask", "first.png", *given).code == 2
        assert Path("c.mkv").read_bytes() == data


def test_a_full_disk(segment: Callable[..., Result]) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("no /dev/full here")
    encode("c.mp4")
    write("first.png", png(MASK * 255))
    result = segment("c.mp4", "--mask", "first.png", "-o", "/dev/full", "--format", "raw")
    check_refused(result, "/dev/full")
    assert "no space" in result.error


def test_links_in_the_output_are_replaced_and_not_followed(segment: Callable[..., Result]) -> None:
    encode("c.mp4")
    write("first.png", png(MASK * 255))
    Path("precious.png").write_text("precious")
    Path("elsewhere").mkdir()
    Path("out").mkdir()
    Path("out/00000.png").symlink_to("../precious.png")
    assert segment("c.mp4", "--mask", "first.png", "-o", "out", "--overwrite").code == 0
    assert Path("precious.png").read_text() == "precious"
    Path("objects").mkdir()
    Path("objects/1").symlink_to("../elsewhere")
    result = segment("c.mp4", "--mask", "first.png", "-o", "objects", "--format", "binary", "--overwrite")
    check_refused(result, "objects/1")
    assert not list(Path("elsewhere").iterdir())
