"""Tests of `formats`, `spec` and `writer`, over all formats.

Tests masks/spec.py and masks/writer.py too.
"""

import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings

from tests.masks.small import export, info_of, label_clips, picture_of, read_back
from vosctl.errors import MaskError, OutputError, UsageError
from vosctl.masks.formats import FORMATS, check_place, find_format, places
from vosctl.masks.sources import MaskSource
from vosctl.masks.spec import Format
from vosctl.masks.writer import LabelledFrame

EXACT = [form for form in FORMATS.values() if form.is_exact]


def place_of(form: Format, folder: Path) -> Path:
    return folder / f"out{form.suffixes[0] if form.suffixes else ''}"


def discs(count: int, size: tuple[int, int] = (35, 49)) -> list[np.ndarray]:
    """Two objects (3 and 200) that move; the second joins at frame 2, and frame 4 is empty."""
    y, x = np.mgrid[: size[0], : size[1]]
    maps = []
    for index in range(count):
        labels = np.zeros(size, np.uint8)
        if index != 4:
            labels[(x - 12 - index) ** 2 + (y - 15) ** 2 < 64] = 3
            if index >= 2:
                labels[(x - 30) ** 2 + (y - 20 - index) ** 2 < 36] = 200
        maps.append(labels)
    return maps


@pytest.mark.parametrize("form", EXACT, ids=lambda form: form.name)
def test_any_label_maps_come_back_as_they_were(form: Format) -> None:
    @settings(max_examples=50, deadline=None)
    @given(labels=label_clips)
    def round_trip(labels: list[np.ndarray]) -> None:
        with tempfile.TemporaryDirectory() as folder:
            path = place_of(form, Path(folder))
            export(form, path, labels)
            read = read_back(path)
            assert len(read) == len(labels)
            for a, b in zip(read, labels, strict=True):
                assert a.dtype == np.uint8
                np.testing.assert_array_equal(a, b)

    round_trip()


@pytest.mark.parametrize("form", EXACT, ids=lambda form: form.name)
def test_names_and_times(form: Format, tmp_path: Path) -> None:
    path = place_of(form, tmp_path)
    export(form, path, discs(6), start=8)
    frames = list(MaskSource(path))
    if form.name != "label-video":  # which has no names
        assert [frame.stem for frame in frames] == [f"{n:05d}" for n in range(8, 14)]
    if form.name in ("label-video", "coco", "numpy"):
        assert [float(frame.time or 0) for frame in frames] == [n / 25 for n in range(6)]


@pytest.mark.parametrize("form", FORMATS.values(), ids=lambda form: form.name)
def test_an_error_leaves_no_half_file(form: Format, tmp_path: Path) -> None:
    path = place_of(form, tmp_path)

    def write(error: BaseException) -> None:
        with form.open(path, info_of(discs(1))) as writer:
            for index, label in enumerate(discs(5)):
                soft = {3: (label == 3).astype(np.float32)}
                writer.write(LabelledFrame(label, f"{index:05d}", None, picture_of(label), soft))
            raise error

    with pytest.raises(ZeroDivisionError):
        write(ZeroDivisionError())
    left = [p for p in tmp_path.rglob("*") if p.is_file()]
    assert not [p for p in left if p.name.startswith(".")]
    assert form.is_folder or not left
    with pytest.raises(KeyboardInterrupt):
        write(KeyboardInterrupt())
    assert path.exists()  # Ctrl-C keeps what came before
    if form.is_exact:
        for a, b in zip(read_back(path), discs(5), strict=True):
            np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("form", FORMATS.values(), ids=lambda form: form.name)
def test_a_place_that_cannot_be_written(form: Format, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    parent = tmp_path / ("file" if form.is_folder else "missing")
    with pytest.raises(OutputError, match="cannot be written"):
        export(form, place_of(form, parent), discs(2))
    assert [p.name for p in tmp_path.iterdir()] == ["file"]


@pytest.mark.parametrize("form", FORMATS.values(), ids=lambda form: form.name)
def test_frames_of_two_sizes(form: Format, tmp_path: Path) -> None:
    with pytest.raises(MaskError, match="is 12x10, but the first is 49x35"):
        export(form, place_of(form, tmp_path), [*discs(2), np.ones((10, 12), np.uint8)])


@pytest.mark.parametrize("form", [f for f in FORMATS.values() if not f.is_folder], ids=lambda form: form.name)
def test_a_full_disk(form: Format, tmp_path: Path, file_limit) -> None:
    generator = np.random.default_rng(0)
    frames = 1 if form.name == "cvat" else 40  # whose polygons of noise take long, and many bytes
    noise = [generator.integers(0, 255, (64, 64), np.uint8) for _ in range(frames)]
    with file_limit(3_000), pytest.raises(OutputError, match=r"out\.\w+ cannot be written"):
        export(form, place_of(form, tmp_path), noise)
    assert not list(tmp_path.iterdir())


def test_names() -> None:
    assert find_format("coco").name == "coco"
    with pytest.raises(UsageError, match="cooc is not known; did you mean coco"):
        find_format("cooc")
    with pytest.raises(UsageError, match="expected one of palette, binary"):
        find_format("xyzzy")
    assert find_format("cutout").summary == "video of the objects on green"
    assert find_format("cutout:0000FF").summary == "video of the objects on #0000ff"
    with pytest.raises(UsageError, match="such as cutout:00ff00"):
        find_format("cutout:blue")


def test_places() -> None:
    coco, palette = FORMATS["coco"], FORMATS["palette"]
    assert places([palette], Path("out")) == {Path("out"): palette}
    assert places([coco], Path("m.json")) == {Path("m.json"): coco}
    assert list(places([palette, coco], Path("out"))) == [Path("out/palette"), Path("out/coco.json")]
    with pytest.raises(UsageError, match=r"m\.txt: coco is one file; name it with the suffix \.json"):
        check_place(coco, Path("m.txt"))
    with pytest.raises(UsageError, match="cutout is given twice"):
        places([FORMATS["cutout"], find_format("cutout:000000")], Path("out"))
