import json
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from tests.masks.small import export, info_of, read_back
from vosctl.errors import MaskError
from vosctl.masks.coco import CocoWriter
from vosctl.masks.formats import FORMATS
from vosctl.masks.sources import MaskSource
from vosctl.masks.writer import LabelledFrame
from vosctl.media.clip import ClipInfo

LABELS = [np.array([[0, 1, 1], [9, 1, 0]], np.uint8), np.zeros((2, 3), np.uint8)]


def test_what_is_in_the_file(tmp_path: Path) -> None:
    export(FORMATS["coco"], tmp_path / "a.json", LABELS)
    document = json.loads((tmp_path / "a.json").read_text())
    assert document["images"] == [
        {"id": 1, "file_name": "00000.jpg", "width": 3, "height": 2, "time": 0.0},
        {"id": 2, "file_name": "00001.jpg", "width": 3, "height": 2, "time": 0.04},
    ]
    first, second = document["annotations"]
    assert first == {
        "id": 1,
        "image_id": 1,
        "category_id": 1,
        "track_id": 1,
        "segmentation": {"size": [2, 3], "counts": "231"},
        "area": 3,
        "bbox": [1, 0, 2, 2],
        "iscrowd": 0,
    }
    assert (second["category_id"], second["bbox"], second["area"]) == (9, [0, 1, 1, 1], 1)
    assert [category["id"] for category in document["categories"]] == [1, 9]


def test_names_of_images_are_those_of_the_folder(tmp_path: Path) -> None:
    Image.new("RGB", (3, 2)).save(tmp_path / "shot1.webp")
    info = ClipInfo(tmp_path, 3, 2, 1, None, has_audio=False, is_folder=True)
    with CocoWriter(tmp_path / "a.json", info) as writer:
        writer.write(LabelledFrame(LABELS[0], "shot1"))
    (image,) = json.loads((tmp_path / "a.json").read_text())["images"]
    assert image["file_name"] == "shot1.webp"


@pytest.mark.filterwarnings("ignore:__array__:DeprecationWarning")  # within pycocotools
def test_pycocotools_reads_it(tmp_path: Path) -> None:
    coco = pytest.importorskip("pycocotools.coco")
    y, x = np.mgrid[:61, :97]
    labels = np.zeros((61, 97), np.uint8)
    labels[(x - 40) ** 2 + (y - 30) ** 2 < 400] = 4
    labels[50:, 90:] = 254
    export(FORMATS["coco"], tmp_path / "a.json", [labels])
    read = coco.COCO(str(tmp_path / "a.json"))
    for object_id in (4, 254):
        (annotation,) = read.loadAnns(read.getAnnIds(catIds=[object_id]))
        np.testing.assert_array_equal(read.annToMask(annotation), labels == object_id)
        encoded = pytest.importorskip("pycocotools.mask")
        assert encoded.area(annotation["segmentation"]) == annotation["area"]
        assert encoded.toBbox(annotation["segmentation"]).tolist() == annotation["bbox"]


def document(**changes: Any) -> dict[str, Any]:
    annotation = {
        "id": 5,
        "image_id": 3,
        "category_id": 1,
        "segmentation": {"size": [2, 3], "counts": [2, 3, 1]},
    }
    image = {"id": 3, "width": 3, "height": 2, "file_name": "videos/cat/0007.jpg"}
    return {
        "images": [image | changes.pop("image", {})],
        "annotations": [annotation | changes.pop("annotation", {})],
    } | changes


def read(folder: Path, content: Any) -> list[LabelledFrame]:
    path = folder / "a.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return list(MaskSource(path))


def test_counts_that_are_no_text_and_names_with_folders(tmp_path: Path) -> None:
    (frame,) = read(tmp_path, document())
    assert frame.labels.tolist() == [[0, 1, 1], [0, 1, 0]]
    assert (frame.stem, frame.time) == ("0007", None)
    assert read(tmp_path, document(image={"time": 0.5}))[0].time == Fraction(1, 2)
    for time in (10**400, float("nan"), float("inf"), -(10**400), True):
        assert read(tmp_path, document(image={"time": time}))[0].time is None


def test_a_name_cannot_leave_the_folder(tmp_path: Path) -> None:
    for name in ("../..", "..\\..\\evil/..", "a?b.png", ".hidden.png", "", None, "x" * 300):
        (frame,) = read(tmp_path, document(image={"file_name": name}))
        assert frame.stem == "00000"


def test_overlap_is_told(tmp_path: Path) -> None:
    content = document()
    content["annotations"].insert(0, content["annotations"][0] | {"category_id": 2})
    path = tmp_path / "a.json"
    path.write_text(json.dumps(content))
    source = MaskSource(path)
    assert {int(i) for i in np.unique(next(iter(source)).labels)} == {0, 2}
    assert len(source.notes) == 1
    assert "overlap" in source.notes[0]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("not json", "is not JSON"),
        ("[" * 100_000, "is not JSON"),
        ([1], "no list of images"),
        ({"images": [1], "annotations": []}, "no list of images"),
        ({"images": []}, "no list of annotations"),
        ({"images": [], "annotations": []}, "holds no masks"),
        (document(image={"id": "a"}), "id 'a' of an image"),
        (document(image={"width": 0}), "0x2"),
        (document(image={"width": True}), "Truex2"),
        (document(image={"width": 1 << 40}), "pixels; frames may have"),
        (document(annotation={"image_id": 4}), "image 4, which is not listed"),
        (document(annotation={"category_id": 255}), "category_id 255"),
        (document(annotation={"category_id": "cat"}), "category_id cat"),
        (document(annotation={"segmentation": [[0, 0, 1, 1]]}), "is no polygon"),
        (document(annotation={"segmentation": {"size": [3, 2], "counts": "231"}}), r"\[height, width\]"),
        (document(annotation={"segmentation": {"size": [2, 3], "counts": "2311"}}), "do not add up"),
        (document(annotation={"segmentation": {"size": [2, 3], "counts": "\u00e9"}}), "run-length code"),
        (document(annotation={"segmentation": {"size": [2, 3], "counts": [1 << 80]}}), "damaged"),
        (document(annotation={"segmentation": {"size": [2, 3], "counts": None}}), "damaged"),
        (document(annotation={"segmentation": {"size": [2, 3], "counts": ["a"]}}), "damaged"),
        (document(annotation={"segmentation": {"size": [2, 3], "counts": [[2], [3, 1]]}}), "damaged"),
    ],
)
def test_broken_files(tmp_path: Path, content: Any, message: str) -> None:
    with pytest.raises(MaskError, match=message):
        read(tmp_path, content)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=150, deadline=None)
@given(
    part=st.sampled_from(["image", "annotation", "code"]),
    key=st.sampled_from(
        ["id", "image_id", "category_id", "segmentation", "width", "height", "time", "size", "counts"]
    ),
    value=json_values,
)
def test_any_value_anywhere_is_read_or_refused(tmp_path_factory, part: str, key: str, value: Any) -> None:
    changes = {key: value}
    if part == "code":
        changes = {"segmentation": {"size": [2, 3], "counts": "231"} | changes}
        part = "annotation"
    message = ""
    try:
        read(tmp_path_factory.getbasetemp(), document(**{part: changes}))
    except MaskError as error:
        message = str(error)
    assert "\n" not in message


def test_a_writer_of_no_frames_is_never_read_as_masks(tmp_path: Path) -> None:
    with CocoWriter(tmp_path / "a.json", info_of(LABELS)):
        pass
    with pytest.raises(MaskError, match="holds no masks"):
        read_back(tmp_path / "a.json")
