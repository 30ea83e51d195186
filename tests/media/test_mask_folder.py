from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from vosctl.errors import MaskError
from vosctl.media.frame import Frame
from vosctl.media.label_video import LabelVideoWriter
from vosctl.media.mask_folder import MaskFolder
from vosctl.media.palette import save_palette_png


def labels_of(number: int) -> np.ndarray:
    labels = np.zeros((12, 16), np.uint8)
    labels[2:8, number : number + 5] = number + 1
    return labels


def frame_of(index: int, stem: str) -> Frame:
    return Frame(index, np.zeros((12, 16, 3), np.uint8), None, stem)


def folder_of(tmp_path: Path, stems: list[str]) -> MaskFolder:
    for number, stem in enumerate(stems):
        save_palette_png(tmp_path / f"{stem}.png", labels_of(number))
    return MaskFolder(tmp_path)


def test_by_stem(tmp_path: Path) -> None:
    masks = folder_of(tmp_path, ["00000", "00001", "00005"])
    for number, stem in ((0, "00000"), (2, "00005"), (1, "00001")):
        np.testing.assert_array_equal(masks.labels_for(frame_of(7, stem)), labels_of(number))


def test_by_order_where_the_names_differ(tmp_path: Path) -> None:
    masks = folder_of(tmp_path, ["mask9", "mask10", "mask11"])
    for number in range(3):
        found = masks.labels_for(frame_of(number, f"{number:05d}"))
        np.testing.assert_array_equal(found, labels_of(number))
    with pytest.raises(MaskError, match="holds 3 masks, none for frame 3"):
        masks.labels_for(frame_of(3, "00003"))


def test_a_missing_mask_is_named(tmp_path: Path) -> None:
    masks = folder_of(tmp_path, ["00000", "00002"])
    masks.labels_for(frame_of(0, "00000"))
    with pytest.raises(MaskError, match=r"holds no mask 00001\.png for frame 1"):
        masks.labels_for(frame_of(1, "00001"))


def test_an_empty_mask_is_a_mask(tmp_path: Path) -> None:
    save_palette_png(tmp_path / "00000.png", np.zeros((12, 16), np.uint8))
    assert not MaskFolder(tmp_path).labels_for(frame_of(0, "00000")).any()


def test_another_size(tmp_path: Path) -> None:
    save_palette_png(tmp_path / "00000.png", np.ones((12, 12), np.uint8))
    with pytest.raises(MaskError, match=r"00000\.png is 12x12, but the clip is 16x12"):
        MaskFolder(tmp_path).labels_for(frame_of(0, "00000"))


def test_a_colour_keeps_its_id_when_an_object_before_it_leaves(tmp_path: Path) -> None:
    pictures = np.zeros((2, 12, 16, 3), np.uint8)
    pictures[0, :4, :4] = (255, 0, 0)
    pictures[:, 6:, 6:] = (0, 255, 0)
    for index, picture in enumerate(pictures):
        Image.fromarray(picture).save(tmp_path / f"{index:05d}.png")
    masks = MaskFolder(tmp_path)
    assert np.unique(masks.labels_for(frame_of(0, "00000"))).tolist() == [0, 1, 2]
    assert np.unique(masks.labels_for(frame_of(1, "00001"))).tolist() == [0, 2]


def test_a_label_video(tmp_path: Path) -> None:
    with LabelVideoWriter(tmp_path / "labels.mkv") as writer:
        writer.write(labels_of(1))
        void = labels_of(2)
        void[0] = 255
        writer.write(void)
    masks = MaskFolder(tmp_path / "labels.mkv")
    np.testing.assert_array_equal(masks.labels_for(frame_of(0, "00000")), labels_of(1))
    np.testing.assert_array_equal(masks.labels_for(frame_of(1, "00001")), labels_of(2))
    with pytest.raises(MaskError, match="ends before frame 2"):
        masks.labels_for(frame_of(2, "00002"))
    with pytest.raises(MaskError, match="is 16x12, but the clip is 9x9"):
        MaskFolder(tmp_path / "labels.mkv").labels_for(Frame(0, np.zeros((9, 9, 3), np.uint8), None, "0"))


def test_nothing_there(tmp_path: Path) -> None:
    with pytest.raises(MaskError, match="does not exist"):
        MaskFolder(tmp_path / "missing")
    with pytest.raises(MaskError, match="holds no masks"):
        MaskFolder(tmp_path)
