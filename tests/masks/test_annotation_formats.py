"""Round trips through the files of annotation tools, and what their own libraries read in them.

Tests masks/labelme.py, masks/cvat_video.py, masks/cvat_xml.py, masks/label_studio.py, masks/brush_code.py,
masks/youtube_vis.py, masks/datumaro.py, masks/mots_text.py, masks/coco_categories.py, masks/documents.py,
masks/shapes.py and masks/instances.py too.
"""

import json
import xml.etree.ElementTree as ET
from pathlib import Path

import numpy as np
import pytest

from tests.masks.small import info_of
from vosctl.errors import MaskError, UsageError
from vosctl.masks.brush_code import code_of_mask, mask_of_code
from vosctl.masks.formats import find_format
from vosctl.masks.sources import MaskSource
from vosctl.masks.writer import LabelledFrame

NAMES = {3: "dog", 200: "dog", 7: "red ball"}
PLACES = {
    "labelme:exact": "out",
    "labelme": "out",
    "cvat:exact": "out.xml",
    "cvat": "out.xml",
    "label-studio": "out.json",
    "datumaro": "out.json",
    "youtube-vis": "out.json",
    "coco": "out.json",
    "mots": "out.txt",
}
EXACT = ["labelme:exact", "cvat:exact", "label-studio", "datumaro", "youtube-vis", "coco", "mots"]


def shapes(frames: int = 4, size: tuple[int, int] = (41, 57)) -> list[np.ndarray]:
    """A ring (3), a disc (200) that leaves in frame 2, a square (7) that joins in frame 1."""
    y, x = np.mgrid[: size[0], : size[1]]
    maps = []
    for index in range(frames):
        labels = np.zeros(size, np.uint8)
        radius = (x - 14 - index) ** 2 + (y - 16) ** 2
        labels[(radius < 81) & (radius > 16)] = 3
        if index != 2:
            labels[(x - 44) ** 2 + (y - 12) ** 2 < 64] = 200
        if index:
            labels[28 : 36 + index, 30:40] = 7
        maps.append(labels)
    return maps


def write(name: str, folder: Path, labels: list[np.ndarray], names: dict[int, str]) -> Path:
    path = folder / PLACES[name]
    with find_format(name).open(path, info_of(labels)) as writer:
        for index, label in enumerate(labels):
            writer.write(LabelledFrame(label, f"{index:05d}", None, names=names))
    return path


@pytest.mark.parametrize("name", EXACT)
def test_pixels_ids_and_names_come_back(name: str, tmp_path: Path) -> None:
    labels = shapes()
    source = MaskSource(write(name, tmp_path, labels, NAMES))
    frames = list(source)
    assert [frame.stem for frame in frames] == [f"{n:05d}" for n in range(4)]
    for frame, expected in zip(frames, labels, strict=True):
        np.testing.assert_array_equal(frame.labels, expected)
    assert source.names == ({} if name == "mots" else NAMES)


@pytest.mark.parametrize("name", EXACT)
def test_objects_without_names_come_back_without_names(name: str, tmp_path: Path) -> None:
    source = MaskSource(write(name, tmp_path, shapes(), {}))
    assert [np.unique(frame.labels).tolist() for frame in source][1] == [0, 3, 7, 200]
    assert source.names == {}


@pytest.mark.parametrize("name", ["labelme", "cvat"])
def test_polygons_lose_holes_and_little_else(name: str, tmp_path: Path) -> None:
    labels = shapes()
    source = MaskSource(write(name, tmp_path, labels, NAMES))
    for frame, expected in zip(source, labels, strict=True):
        for object_id in (7, 200):
            one, other = frame.labels == object_id, expected == object_id
            assert (one & other).sum() >= 0.95 * (one | other).sum()
        assert frame.labels[16, 14] in (3,)  # the ring's hole is filled
    assert source.names == NAMES
    assert any("polygons were filled" in note for note in source.notes)


def test_variants_that_are_none() -> None:
    for name in ("labelme:masks", "cvat:rle"):
        with pytest.raises(UsageError, match="is not known; use"):
            find_format(name)


def test_tracks_of_cvat(tmp_path: Path) -> None:
    path = write("cvat", tmp_path, shapes(), NAMES)
    root = ET.parse(path).getroot()
    tracks = {track.get("id"): track for track in root.findall("track")}
    assert {key: track.get("label") for key, track in tracks.items()} == {
        "2": "dog",
        "6": "red ball",
        "199": "dog",
    }
    disc = [(one.get("frame"), one.get("outside")) for one in tracks["199"]]
    assert disc == [("0", "0"), ("1", "0"), ("2", "1"), ("3", "0")]
    assert root.findtext("meta/task/size") == "4"
    assert [one.findtext("name") for one in root.iter("label")] == ["dog", "red ball"]


def cvat_track(shapes: str, more: str = "") -> str:
    return (
        '<?xml version="1.0" encoding="utf-8"?><annotations><version>1.1</version><meta><task>'
        f"<size>6</size>{more}<original_size><width>40</width><height>30</height></original_size></task></meta>"
        f'<track id="0" label="cat">{shapes}</track></annotations>'
    )


def test_what_cvat_has_put_in_between_is_no_first_mask(tmp_path: Path) -> None:
    square = "2,2;12,2;12,12;2,12"
    drawn = f'<polygon frame="0" keyframe="1" outside="0" points="{square}"/>'
    between = f'<polygon frame="1" keyframe="0" outside="0" points="{square}"/>'
    path = tmp_path / "a.xml"
    path.write_text(
        cvat_track(drawn + between, "<start_frame>10</start_frame><frame_filter>step=5</frame_filter>")
    )
    frames = list(MaskSource(path))
    assert [frame.stem for frame in frames] == [f"{n:05d}" for n in range(10, 40, 5)]
    assert [int(frame.labels.sum()) for frame in frames] == [100, 100, 0, 0, 0, 0]
    assert frames[0].names == {1: "cat"}
    reader = find_format("cvat").reader
    assert reader is not None
    assert reader.read_given is not None
    given = list(reader.read_given(path, lambda _: None))
    assert [int(frame.labels.sum()) for frame in given] == [100, 0, 0, 0, 0, 0]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("<a", "is not XML"),
        ("<html/>", "expected annotations of CVAT"),
        ("<!DOCTYPE a><annotations/>", "document type"),
        (f"<!--{'x' * 5000}--><!DOCTYPE a><annotations/>", "document type"),
        ('<?xml version="1.0" encoding="utf-99"?><annotations/>', "unknown encoding"),
        ('<?xml version="1.0" encoding="gb2312"?><annotations/>', "multi-byte encodings are not supported"),
        (cvat_track('<polygon frame="9000000" points="1,1;2,2;3,1"/>'), "9000000 where a number is expected"),
        ("<annotations/>", "does not tell the size"),
        (cvat_track('<polygon frame="0" points="1,1;2,2"/>'), "is no polygon"),
        (cvat_track('<polygon frame="x" points="1,1;2,2;3,1"/>'), "where a number is expected"),
        (cvat_track('<mask frame="0" rle="1,2" left="0" top="0" width="2" height="2"/>'), "do not add up"),
        (
            cvat_track('<mask frame="0" rle="0,4" left="39" top="0" width="2" height="2"/>'),
            "beyond the picture",
        ),
    ],
)
def test_damaged_xml(tmp_path: Path, content: str, message: str) -> None:
    (tmp_path / "a.xml").write_text(content)
    with pytest.raises(MaskError, match=message):
        list(MaskSource(tmp_path / "a.xml"))


def test_a_document_type_in_another_encoding(tmp_path: Path) -> None:
    (tmp_path / "a.xml").write_text('<?xml version="1.0"?><!DOCTYPE a><annotations/>', encoding="utf-16")
    with pytest.raises(MaskError, match="document type"):
        MaskSource(tmp_path / "a.xml")


def test_shapes_of_labelme(tmp_path: Path) -> None:
    def shape(label: str, kind: str, points: list[list[float]], group: int | None = None) -> dict:
        return {"label": label, "shape_type": kind, "points": points, "group_id": group, "flags": {}}

    document = {
        "version": "5.4.1",
        "flags": {},
        "shapes": [
            shape("box", "rectangle", [[2, 3], [10, 9]]),
            shape("disc", "circle", [[30, 20], [30, 12]]),
            shape("box", "polygon", [[40, 30], [50, 30], [50, 40], [40, 40]]),
            shape("way", "linestrip", [[0, 0], [5, 5]]),
        ],
        "imagePath": "../frames/shot.0007.png",
        "imageData": None,
        "imageHeight": 60,
        "imageWidth": 80,
    }
    path = tmp_path / "a.json"
    path.write_text(json.dumps(document))
    source = MaskSource(path)
    (frame,) = source
    assert frame.stem == "shot.0007"
    assert source.names == {1: "box", 2: "disc", 3: "box"}  # two boxes stay two objects
    assert int((frame.labels == 1).sum()) == 48
    assert abs(int((frame.labels == 2).sum()) - np.pi * 64) < 8
    assert int((frame.labels == 3).sum()) == 100
    assert any("lines and points are passed over" in note for note in source.notes)
    for change, message in (
        ({"imageWidth": None}, "Nonex60"),
        ({"shapes": [shape("a", "polygon", [[0, 0]])]}, "shape 0 \\(a\\) is no polygon"),
        ({"shapes": [shape("a", "polygon", [[0, 0], [1e30, 0], [0, 1]])]}, "is no polygon"),
        ({"shapes": [shape("a", "star", [[0, 0]])]}, "is of the kind star"),
        ({"shapes": [{**shape("a", "mask", [[0, 0], [1, 1]]), "mask": "x"}]}, "no mask that can be read"),
    ):
        path.write_text(json.dumps(document | change))
        with pytest.raises(MaskError, match=message):
            list(MaskSource(path))


def test_a_folder_of_labelme_beside_its_images(tmp_path: Path) -> None:
    folder = write("labelme:exact", tmp_path, shapes(), {})
    from PIL import Image

    for index in range(4):
        Image.new("RGB", (57, 41)).save(folder / f"{index:05d}.jpg")
    source = MaskSource(folder)
    assert source.form == "LabelMe JSON"
    np.testing.assert_array_equal([frame.labels for frame in source], shapes())


def test_the_brush_of_label_studio() -> None:
    # The first bytes of a public export of Label Studio: 3332x2527 pixels, runs of 8, 9, 13 and 16 bits, say.
    mask = np.zeros((7, 9), bool)
    mask[2:5, 3:8] = True
    np.testing.assert_array_equal(mask_of_code(code_of_mask(mask), 7, 9), mask)
    full = np.ones((300, 300), bool)  # longer than one run can be
    np.testing.assert_array_equal(mask_of_code(code_of_mask(full), 300, 300), full)
    # Values that are no run: 2x1 pixels, 8 bits a value, lengths of 3, 3, 3, 3 bits; alpha 0 then 255.
    bits = f"{8:032b}{7:05b}" + f"{2:04b}" * 4 + "0" + "00" + f"{7:03b}"
    bits += "".join(f"{value:08b}" for value in (0, 0, 0, 0, 9, 9, 9, 255))
    bits += "0" * (-len(bits) % 8)
    code = list(int(bits, 2).to_bytes(len(bits) // 8, "big"))
    assert mask_of_code(code, 1, 2).tolist() == [[False, True]]
    for wrong, message in (
        ([], "breaks off"),
        (code[:-4], "breaks off"),
        ([300], "no list of bytes"),
        (60, "no list of bytes"),
    ):
        with pytest.raises(ValueError, match=message):
            mask_of_code(wrong, 1, 2)
    with pytest.raises(ValueError, match="not of 3x1 pixels"):
        mask_of_code(code, 1, 3)


def test_polygons_of_label_studio(tmp_path: Path) -> None:
    region = {
        "type": "polygonlabels",
        "original_width": 200,
        "original_height": 100,
        "value": {"points": [[10, 10], [20, 10], [20, 30], [10, 30]], "polygonlabels": ["Car"]},
    }
    task = {
        "data": {"image": "/data/upload/1/0a1b2c3d-frame_000012.png"},
        "annotations": [{"was_cancelled": True, "result": [1]}, {"result": [region]}],
    }
    (tmp_path / "a.json").write_text(json.dumps([task]))
    source = MaskSource(tmp_path / "a.json")
    (frame,) = source
    assert frame.stem == "frame_000012"
    assert frame.labels.shape == (100, 200)
    assert int(frame.labels[10:30, 20:40].sum()) == int(frame.labels.sum()) == 400
    assert source.names == {1: "Car"}
    (tmp_path / "b.json").write_text(json.dumps([{"data": {}, "annotations": []}]))
    with pytest.raises(MaskError, match="no region that tells the size"):
        list(MaskSource(tmp_path / "b.json"))


def test_lines_of_mots(tmp_path: Path) -> None:
    path = write("mots", tmp_path, shapes(), {3: "car", 7: "boat"})
    rows = [line.split()[:5] for line in path.read_text().splitlines()]
    assert rows[0] == ["0", "1003", "1", "41", "57"]
    assert {row[1] for row in rows} == {"1003", "3007", "2200"}
    path.write_text("0 10000 10 2 3 06\n1 2005 2 2 3 231\n")
    source = MaskSource(path)
    assert [np.unique(frame.labels).tolist() for frame in source] == [[0], [0, 5]]
    assert "not to be judged" in source.notes[0]
    for text, message in (
        ("0 1001 1 2 3 231\n0 1001 1 2 4 231\n", "line 2 is 4x2"),
        ("0 1001 1 2 3 231\n0 1001 1 2 3\n", "line 2 is not"),
        ("0 1001 1 2 3 2\n", "do not add up"),
    ):
        path.write_text(text)
        with pytest.raises(MaskError, match=message):
            list(MaskSource(path))


def test_damaged_documents(tmp_path: Path) -> None:
    for content, message in (
        ({"videos": [], "annotations": []}, "holds 0 videos"),
        ({"videos": [{"width": 2, "height": 2}], "annotations": []}, "no file_names"),
        ({"items": [{"id": "a", "annotations": []}], "categories": {}}, "no size of its image"),
        ({"items": 3, "categories": {}}, "no list of items"),
        ({"items": [{"id": "a", "annotations": 3}], "categories": {}}, "no list of annotations"),
        ([{"annotations": 3}], "without a list of annotations"),
        ([{"annotations": [{"result": 3}]}], "without a list of results"),
    ):
        (tmp_path / "a.json").write_text(json.dumps(content))
        with pytest.raises(MaskError, match=message):
            list(MaskSource(tmp_path / "a.json"))


def test_categories_and_tracks_of_coco(tmp_path: Path) -> None:
    document = json.loads(write("coco", tmp_path, shapes(), NAMES).read_text())
    assert document["categories"] == [{"id": 3, "name": "dog"}, {"id": 7, "name": "red ball"}]
    found = {(one["track_id"], one["category_id"]) for one in document["annotations"]}
    assert found == {(3, 3), (200, 3), (7, 7)}


def test_classes_of_yolo(tmp_path: Path) -> None:
    with find_format("yolo").open(tmp_path / "out", info_of(shapes())) as writer:
        for index, labels in enumerate(shapes()):
            writer.write(LabelledFrame(labels, f"{index}", names={**NAMES, 3: "a: b"}))
    assert (tmp_path / "out/classes.txt").read_text().splitlines() == ["a: b", "red ball", "dog"]
    assert '  0: "a: b"\n  1: red ball\n  2: dog\n' in (tmp_path / "out/data.yaml").read_text()
    assert [line[0] for line in (tmp_path / "out/1.txt").read_text().splitlines()] == ["0", "1", "2"]


@pytest.mark.filterwarnings("ignore:__array__:DeprecationWarning")  # within pycocotools
def test_pycocotools_fills_polygons_alike_and_reads_tracks(tmp_path: Path) -> None:
    coco = pytest.importorskip("pycocotools.coco")
    diamond = [35.0, 24.0, 51.0, 40.0, 35.0, 56.0, 19.0, 40.0]
    one = {"id": 1, "image_id": 1, "category_id": 1, "segmentation": [diamond], "iscrowd": 0, "area": 512}
    document = {
        "images": [{"id": 1, "file_name": "a.png", "width": 160, "height": 96}],
        "annotations": [one],
        "categories": [{"id": 1, "name": "thing"}],
    }
    (tmp_path / "a.json").write_text(json.dumps(document))
    read = coco.COCO(str(tmp_path / "a.json"))
    theirs = read.annToMask(read.loadAnns([1])[0]).astype(bool)
    (frame,) = MaskSource(tmp_path / "a.json")
    ours = frame.labels == 1
    assert (theirs & ours).sum() >= 0.93 * (theirs | ours).sum()
    path = write("youtube-vis", tmp_path, shapes(), NAMES)
    encoded = pytest.importorskip("pycocotools.mask")
    for annotation in json.loads(path.read_text())["annotations"]:
        for labels, code in zip(shapes(), annotation["segmentations"], strict=True):
            expected = labels == annotation["id"]
            assert (code is None) == (not expected.any())
            if code:
                np.testing.assert_array_equal(encoded.decode(code), expected)


@pytest.mark.filterwarnings("ignore:__array__:DeprecationWarning")  # within pycocotools
def test_datumaro_reads_it(tmp_path: Path) -> None:
    datumaro = pytest.importorskip("datumaro")
    path = write("datumaro", tmp_path, shapes(), NAMES)
    (tmp_path / "set/annotations").mkdir(parents=True)
    path.rename(tmp_path / "set/annotations/default.json")
    read = datumaro.Dataset.import_from(str(tmp_path / "set"), "datumaro")
    for item, labels in zip(sorted(read, key=lambda one: one.id), shapes(), strict=True):
        for annotation in item.annotations:
            np.testing.assert_array_equal(annotation.image, labels == annotation.attributes["track_id"])


def test_labelme_reads_it(tmp_path: Path) -> None:
    labelme = pytest.importorskip("labelme")
    folder = write("labelme:exact", tmp_path, shapes(), NAMES)
    from PIL import Image

    Image.new("RGB", (57, 41)).save(folder / "00001.jpg")
    file = labelme.LabelFile(str(folder / "00001.json"))
    for shape in file.shapes:
        (left, top), (right, bottom) = np.array(shape["points"]).astype(int)
        expected = shapes()[1] == shape["group_id"]
        np.testing.assert_array_equal(shape["mask"], expected[top : bottom + 1, left : right + 1])


def test_label_studio_converter_reads_it(tmp_path: Path) -> None:
    brush = pytest.importorskip("label_studio_converter.brush")
    path = write("label-studio", tmp_path, shapes(), NAMES)
    for task, labels in zip(json.loads(path.read_text()), shapes(), strict=True):
        for result in task["annotations"][0]["result"]:
            decoded = brush.decode_rle(result["value"]["rle"]).reshape(41, 57, 4)[..., 3]
            np.testing.assert_array_equal(decoded > 0, labels == int(result["id"].split("-")[1]))
