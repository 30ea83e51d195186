"""Mattes and EXR files, as compositing programs take them.

Tests masks/exr_file.py, masks/exr_folder.py and masks/matte_export.py too.
"""

import struct
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from tests.masks.small import info_of
from vosctl.errors import MaskError, UsageError
from vosctl.masks.exr_file import read_exr, write_exr
from vosctl.masks.formats import FORMATS, find_format
from vosctl.masks.sources import MaskSource
from vosctl.masks.tidy import Tidier, Tidy
from vosctl.masks.writer import LabelledFrame

NAMES = {3: "red ball!", 7: "red ball!"}


def maps() -> list[np.ndarray]:
    y, x = np.mgrid[:50, :64]
    found = []
    for index in range(3):
        labels = np.zeros((50, 64), np.uint8)
        labels[(x - 20 - index) ** 2 + (y - 20) ** 2 < 100] = 3
        labels[35:45, 40:60] = 7 * (index > 0)
        found.append(labels)
    return found


def write(name: str, path: Path, feather: int = 0) -> Path:
    frames = [LabelledFrame(m, f"{n:05d}", Fraction(n, 25), names=NAMES) for n, m in enumerate(maps())]
    with find_format(name).open(path, info_of(maps())) as writer:
        for frame in Tidier(Tidy(feather=feather)).all(frames):
            writer.write(frame)
    return path


@pytest.mark.parametrize("size", [(1, 1), (7, 5), (33, 20), (40, 17)])
def test_channels_come_back(tmp_path: Path, size: tuple[int, int]) -> None:
    random = np.random.default_rng(1)
    channels = {
        name: np.float32(np.float16(random.random(size))) * (name != "zero") for name in ("B.x", "A", "zero")
    }
    write_exr(tmp_path / "a.exr", channels)
    found = read_exr(tmp_path / "a.exr")
    assert list(found) == ["A", "B.x", "zero"]
    for name, values in channels.items():
        np.testing.assert_array_equal(found[name], values)


def test_openexr_reads_it(tmp_path: Path) -> None:
    library = pytest.importorskip("OpenEXR")
    write("exr", tmp_path / "out", feather=3)
    with library.File(str(tmp_path / "out/00001.exr"), separate_channels=True) as file:
        channels = {name: np.asarray(one.pixels) for name, one in file.channels().items()}
        assert file.header()["vosctlObjects"] == "red_ball=3 red_ball_7=7"
    assert sorted(channels) == ["A", "id.Y", "red_ball.A", "red_ball_7.A"]
    assert channels["A"].dtype == np.float16
    np.testing.assert_array_equal(channels["id.Y"], maps()[1])
    assert 0 < channels["red_ball.A"][20, 31] < 1
    # What the library writes is read, in each way of packing that has scan lines and no loss of its own.
    for packing in (library.NO_COMPRESSION, library.ZIPS_COMPRESSION, library.ZIP_COMPRESSION):
        header = {"compression": packing, "type": library.scanlineimage}
        ids = maps()[1].astype(np.float32)
        library.File(header, {"id": ids}).write(str(tmp_path / "other.exr"))
        (frame,) = MaskSource(tmp_path / "other.exr")
        np.testing.assert_array_equal(frame.labels, maps()[1])


def test_ffmpeg_reads_it(tmp_path: Path) -> None:
    write_exr(tmp_path / "a.exr", {"Y": (maps()[1] > 0).astype(np.float32)})
    with av.open(str(tmp_path / "a.exr")) as container:
        picture = next(container.decode(video=0)).to_ndarray(format="gray")
    np.testing.assert_array_equal(picture > 127, maps()[1] > 0)


def test_mattes_of_other_programs(tmp_path: Path) -> None:
    one, two = ((maps()[1] == number).astype(np.float32) * 0.9 for number in (3, 7))
    write_exr(tmp_path / "a.exr", {"cat.A": one, "dog.A": two, "R": one})
    source = MaskSource(tmp_path / "a.exr")
    (frame,) = source
    np.testing.assert_array_equal(frame.labels == 2, maps()[1] == 7)
    assert source.names == {1: "cat", 2: "dog"}
    assert "from one half on" in source.notes[0]
    write_exr(tmp_path / "b.exr", {"A": one})
    np.testing.assert_array_equal(next(iter(MaskSource(tmp_path / "b.exr"))).labels, maps()[1] == 3)
    for channels, message in (
        ({"R": one, "G": one, "B": one, "A": one}, "give a matte, or LAYER.A"),
        ({"id": one}, "that holds no ids"),
    ):
        write_exr(tmp_path / "c.exr", channels)
        with pytest.raises(MaskError, match=message):
            MaskSource(tmp_path / "c.exr")
    for content in (
        b"",
        b"x" * 100,
        (tmp_path / "a.exr").read_bytes()[:-9],
        (tmp_path / "a.exr").read_bytes()[:300],
    ):
        (tmp_path / "d.exr").write_bytes(content)
        with pytest.raises(MaskError, match="EXR"):
            MaskSource(tmp_path / "d.exr")


@pytest.mark.parametrize("suffix", [".mov", ".mkv", ".mp4"])
def test_matte_videos(tmp_path: Path, suffix: str) -> None:
    path = write("matte:7", tmp_path / f"a{suffix}")
    frames = list(MaskSource(path))
    assert [float(frame.time or 0) for frame in frames] == pytest.approx([0, 0.04, 0.08], abs=1e-3)
    for frame, labels in zip(frames, maps(), strict=True):
        expected = labels == 7
        if suffix == ".mkv":
            np.testing.assert_array_equal(frame.labels, expected)
        else:
            assert ((frame.labels == 1) != expected).sum() <= 0.05 * max(1, expected.sum())
    assert write("matte", tmp_path / f"b{suffix}").is_file()
    assert (next(iter(MaskSource(tmp_path / f"b{suffix}"))).labels > 0).sum() > 250


def test_an_exr_that_claims_too_much(tmp_path: Path) -> None:
    path = tmp_path / "a.exr"
    write_exr(path, {f"{n:04d}.A": np.zeros((1, 1), np.float32) for n in range(100)})
    head, window, rest = path.read_bytes().partition(b"dataWindow\0box2i\0" + struct.pack("<i", 16))
    for size in ((0, 0, 4095, 4095), (0, 0, 199_999, 9)):  # too many values; too much in one block
        path.write_bytes(head + window + struct.pack("<4i", *size) + rest[16:])
        with pytest.raises(MaskError, match="claims 100 channels of"):
            read_exr(path)


def test_soft_edges_and_names(tmp_path: Path) -> None:
    path = write("matte", tmp_path / "a.mkv", feather=4)
    with av.open(str(path)) as container:
        values = next(container.decode(video=0)).to_ndarray()
    assert len(np.unique(values)) > 5
    with pytest.raises(UsageError, match="such as matte:2"):
        find_format("matte:0")
    assert find_format("matte:2").name == "matte-2"
    assert FORMATS["matte"].suffixes[0] == ".mov"
