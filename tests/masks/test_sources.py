"""Tests of `sources`, and of the formats of many files: `palette_folder`, `binary_folder`,
`rgba_folder`, `soft_folder`, `yolo_folder`, `object_folders`.

Tests masks/binary_folder.py, masks/object_folders.py and masks/yolo_folder.py too.
"""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.masks.small import export, info_of, picture_of, read_back
from vosctl.errors import MaskError
from vosctl.masks.formats import FORMATS
from vosctl.masks.polygons import fill
from vosctl.masks.sources import MaskSource
from vosctl.masks.writer import LabelledFrame

FIRST = np.array([[0, 3, 3], [0, 3, 0]], np.uint8)
SECOND = np.array([[9, 3, 0], [9, 9, 0]], np.uint8)
LABELS = [FIRST, SECOND, np.zeros((2, 3), np.uint8)]


def pixels(path: Path) -> list[list[int]]:
    with Image.open(path) as image:
        return np.asarray(image).tolist()


def test_binary_has_every_frame_of_every_object(tmp_path: Path) -> None:
    export(FORMATS["binary"], tmp_path / "out", LABELS)
    names = sorted(str(path.relative_to(tmp_path / "out")) for path in tmp_path.rglob("*.png"))
    assert names == [f"{i}/{n:05d}.png" for i in (3, 9) for n in range(3)]
    assert pixels(tmp_path / "out/3/00000.png") == [[0, 255, 255], [0, 255, 0]]
    assert pixels(tmp_path / "out/9/00000.png") == [[0, 0, 0], [0, 0, 0]]  # it joins later
    assert pixels(tmp_path / "out/9/00001.png") == [[255, 0, 0], [255, 255, 0]]
    with Image.open(tmp_path / "out/9/00001.png") as image:
        assert image.mode == "L"


def test_binary_of_other_hands(tmp_path: Path) -> None:
    for object_id, labels in (("02", FIRST > 0), ("10", SECOND == 9)):
        (tmp_path / object_id).mkdir()
        Image.fromarray(labels).save(tmp_path / object_id / "frame.bmp")  # 1-bit
    (tmp_path / "notes").mkdir()
    source = MaskSource(tmp_path)
    (frame,) = source
    assert frame.labels.tolist() == [[10, 2, 2], [10, 10, 0]]
    assert frame.stem == "frame"
    assert "overlap" in source.notes[0]
    Image.fromarray(FIRST).save(tmp_path / "02" / "frame.bmp")
    with pytest.raises(MaskError, match=r"frame\.bmp \(gray ids\) holds object 3; expected 0 and 255"):
        list(MaskSource(tmp_path))


def test_rgba_holds_nothing_of_the_background(tmp_path: Path) -> None:
    export(FORMATS["rgba"], tmp_path / "out", LABELS)
    with Image.open(tmp_path / "out/00001.png") as image:
        assert image.mode == "RGBA"
        rgba = np.asarray(image)
    np.testing.assert_array_equal(rgba[..., 3], (SECOND > 0) * 255)
    np.testing.assert_array_equal(rgba[SECOND > 0][:, :3], picture_of(SECOND)[SECOND > 0])
    assert not rgba[SECOND == 0].any()


@pytest.mark.parametrize(("name", "white"), [("soft", 255), ("soft16", 65535)])
def test_soft_masks_keep_probabilities(name: str, white: int, tmp_path: Path) -> None:
    probability = np.array([[0, 0.25, 0.5], [0.75, 0.999, 1]], np.float32)
    with FORMATS[name].open(tmp_path / "out", info_of(LABELS)) as writer:
        writer.write(LabelledFrame(FIRST, "a", soft={}))
        writer.write(LabelledFrame(FIRST, "b", soft={3: probability}))
    assert pixels(tmp_path / "out/3/a.png") == [[0] * 3] * 2
    assert pixels(tmp_path / "out/3/b.png") == np.rint(probability * white).tolist()
    with Image.open(tmp_path / "out/3/b.png") as image:
        assert image.mode == ("L" if white == 255 else "I;16")


def test_yolo_lines(tmp_path: Path) -> None:
    export(FORMATS["yolo"], tmp_path / "out", LABELS)
    first = (tmp_path / "out/00000.txt").read_text()
    assert first == (  # x / 3, y / 2
        "2 1.000000 0.000000 1.000000 0.500000 0.666667 0.500000 0.666667 1.000000 0.333333 1.000000 "
        "0.333333 0.000000\n"
    )
    assert [line.split()[0] for line in (tmp_path / "out/00001.txt").read_text().splitlines()] == ["2", "8"]
    assert (tmp_path / "out/00002.txt").read_text() == ""
    assert (tmp_path / "out/classes.txt").read_text().splitlines() == [f"object {n}" for n in range(1, 10)]
    data = (tmp_path / "out/data.yaml").read_text().splitlines()
    assert data[1:6] == ["path: ..", "train: images", "val: images", "names:", "  0: object 1"]
    assert data[-1] == "  8: object 9"
    with pytest.raises(MaskError, match="polygons are not read"):
        read_back(tmp_path / "out")


def test_yolo_has_one_line_an_object(tmp_path: Path) -> None:
    labels = np.zeros((30, 40), np.uint8)
    labels[5:25, 4:10] = labels[5:25, 14:20] = labels[8:20, 30:38] = 2
    export(FORMATS["yolo"], tmp_path / "out", [labels])
    (line,) = (tmp_path / "out/00000.txt").read_text().splitlines()
    numbers = np.array(line.split()[1:], float).reshape(-1, 2) * (40, 30)
    np.testing.assert_array_equal(fill(numbers, 30, 40), labels > 0)


def test_palette_folder_of_other_hands(tmp_path: Path) -> None:
    Image.fromarray(np.where(FIRST > 0, 255, FIRST)).save(tmp_path / "shot9.png")
    Image.fromarray(np.where(SECOND == 3, 255, SECOND)).save(tmp_path / "shot10.png")
    source = MaskSource(tmp_path)
    first, second = source
    assert (first.stem, second.stem) == ("shot9", "shot10")
    assert first.labels.tolist() == (FIRST > 0).tolist()  # 255 alone is an object
    assert second.labels.tolist() == [[9, 0, 0], [9, 9, 0]]  # beside others it is void
    assert source.notes == ["255 was read as void (background)"]
    Image.fromarray(FIRST).save(tmp_path / "shot9.bmp")
    with pytest.raises(MaskError, match="two masks of one name"):
        list(MaskSource(tmp_path))


def test_a_colour_keeps_its_id_when_an_object_before_it_leaves(tmp_path: Path) -> None:
    pictures = np.zeros((2, 12, 16, 3), np.uint8)
    pictures[0, :4, :4] = (255, 0, 0)
    pictures[:, 6:, 6:] = (0, 255, 0)
    for index, picture in enumerate(pictures):
        Image.fromarray(picture).save(tmp_path / f"{index:05d}.png")
    assert [np.unique(frame.labels).tolist() for frame in MaskSource(tmp_path)] == [[0, 1, 2], [0, 2]]


def test_one_mask_alone(tmp_path: Path) -> None:
    Image.fromarray(SECOND).save(tmp_path / "first.png")
    np.save(tmp_path / "first.npy", SECOND)
    for name in ("first.png", "first.npy"):
        (frame,) = MaskSource(tmp_path / name)
        assert frame.stem == "first"
        np.testing.assert_array_equal(frame.labels, SECOND)


def test_places_without_masks(tmp_path: Path) -> None:
    with pytest.raises(MaskError, match="does not exist; give a folder of masks"):
        MaskSource(tmp_path / "nowhere")
    with pytest.raises(MaskError, match="holds no masks; give a folder of masks"):
        MaskSource(tmp_path)
    (tmp_path / "1").mkdir()
    with pytest.raises(MaskError, match=r"but no masks in them; expected .*1/00000"):
        MaskSource(tmp_path)
    (tmp_path / "a.txt").write_text("x")
    with pytest.raises(MaskError, match=r"a\.txt"):
        MaskSource(tmp_path / "a.txt")
