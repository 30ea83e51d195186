"""Masks that a person gives in other forms than one picture.

Tests masks/given.py, masks/sam_masks.py, masks/zip_export.py, masks/array_files.py,
masks/matte_video.py too.
"""

import json
import zipfile
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

from tests.masks.test_annotation_formats import cvat_track, shapes, write
from vosctl.errors import MaskError
from vosctl.masks.given import GivenMask, SharedIds, read_given
from vosctl.masks.reading import Mask, read_mask
from vosctl.masks.rle import counts_by_object
from vosctl.masks.sources import MaskSource

SIZE = (57, 41)
LABELS = shapes()[1]


def code_of(mask: np.ndarray) -> dict:
    return {"size": list(mask.shape), "counts": counts_by_object(mask.astype(np.uint8))[1].tolist()}


def only(path: Path, **options: object) -> Mask:
    (found,) = read_given(path, SIZE, **options)  # type: ignore[arg-type]
    assert found.frame is None
    return found.mask


def test_automatic_masks_are_numbered_and_small_ones_are_in_front(tmp_path: Path) -> None:
    whole, part = np.zeros((41, 57), bool), np.zeros((41, 57), bool)
    whole[5:30, 5:30], part[10:15, 10:15] = True, True
    found = [{"segmentation": code_of(part), "area": 1}, {"segmentation": code_of(whole)}]
    (tmp_path / "a.json").write_text(json.dumps(found))
    mask = only(tmp_path / "a.json")
    assert mask.object_ids == (1, 2)
    np.testing.assert_array_equal(mask.labels == 1, part)
    image = {"image_id": 1, "width": 57, "height": 41, "file_name": "sa_1.jpg"}
    (tmp_path / "b.json").write_text(json.dumps({"image": image, "annotations": found}))
    np.testing.assert_array_equal(only(tmp_path / "b.json").labels, mask.labels)
    (tmp_path / "c.json").write_text(json.dumps(code_of(whole)))
    np.testing.assert_array_equal(only(tmp_path / "c.json").labels, whole)
    for content, message in (
        ([{"segmentation": {"size": [3]}}], "no run-length code with its size"),
        ([{"segmentation": code_of(part)}] * 255, "holds 255 masks"),
        ({"size": [41, 57], "counts": [1]}, "do not add up"),
    ):
        (tmp_path / "d.json").write_text(json.dumps(content))
        with pytest.raises(MaskError, match=message):
            only(tmp_path / "d.json")


def test_arrays(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.stack([LABELS == 3, LABELS == 200]))
    mask = only(tmp_path / "a.npy")
    assert mask.object_ids == (1, 2)
    np.testing.assert_array_equal(mask.labels == 2, LABELS == 200)
    assert "masks of 2 objects of one frame" in mask.form
    np.save(tmp_path / "b.npy", np.stack(shapes()))
    np.testing.assert_array_equal(only(tmp_path / "b.npy").labels, shapes()[0])
    np.testing.assert_array_equal(only(tmp_path / "b.npy", at=2).labels, shapes()[2])
    assert [frame.stem for frame in MaskSource(tmp_path / "b.npy")] == [f"{n:05d}" for n in range(4)]
    np.save(tmp_path / "c.npy", LABELS)
    np.testing.assert_array_equal(only(tmp_path / "c.npy").labels, LABELS)
    np.savez(tmp_path / "d.npz", anything=LABELS)
    np.testing.assert_array_equal(only(tmp_path / "d.npz").labels, LABELS)
    np.savez(tmp_path / "e.npz", labels=np.stack(shapes()))
    np.testing.assert_array_equal(only(tmp_path / "e.npz", at=3).labels, shapes()[3])
    np.savez(tmp_path / "f.npz", one=LABELS, two=LABELS)
    with pytest.raises(MaskError, match="holds 2 arrays that may be masks"):
        only(tmp_path / "f.npz")
    with pytest.raises(MaskError, match="none for frame 9"):
        only(tmp_path / "b.npy", at=9)
    np.save(tmp_path / "g.npy", np.zeros((2, 3, 4)))
    with pytest.raises(MaskError, match=r"float64 \(2, 3, 4\)"):
        only(tmp_path / "g.npy")


def write_video(path: Path, pictures: list[np.ndarray], codec: str, form: str) -> None:
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=25)
        stream.height, stream.width = pictures[0].shape[:2]
        stream.pix_fmt = form
        for picture in pictures:
            given = "gray" if picture.ndim == 2 else "rgb24" if picture.shape[2] == 3 else "rgba"
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), format=given)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())


def disc_at(index: int) -> np.ndarray:
    y, x = np.mgrid[:64, :96]
    return (x - 30 - 2 * index) ** 2 + (y - 32) ** 2 < 400


def test_a_matte_video(tmp_path: Path) -> None:
    discs = [disc_at(index) for index in range(4)]
    white = [disc.astype(np.uint8) * 255 for disc in discs]
    write_video(tmp_path / "a.mp4", [np.stack([one] * 3, axis=2) for one in white], "mpeg4", "yuv420p")
    write_video(tmp_path / "b.mkv", white, "ffv1", "gray")
    alpha = [np.dstack([np.full((64, 96, 3), 90, np.uint8), one]) for one in white]
    write_video(tmp_path / "c.mov", alpha, "prores_ks", "yuva444p10le")
    for name in ("a.mp4", "b.mkv", "c.mov"):
        source = MaskSource(tmp_path / name)
        for frame, disc in zip(source, discs, strict=True):
            one = frame.labels == 1
            assert (one & disc).sum() >= 0.97 * (one | disc).sum(), name
        assert "of one object" in source.notes[0]
        (given,) = read_given(tmp_path / name, (96, 64), at=2)
        assert (given.mask.labels.astype(bool) & discs[2]).sum() >= 0.97 * discs[2].sum()
    picture = np.random.default_rng(0).integers(0, 255, (64, 96, 3)).astype(np.uint8)
    write_video(tmp_path / "d.mp4", [picture] * 2, "mpeg4", "yuv420p")
    with pytest.raises(MaskError, match="does not hold object ids"):
        MaskSource(tmp_path / "d.mp4")


def test_annotations_of_several_frames_name_them(tmp_path: Path) -> None:
    folder = write("labelme:exact", tmp_path, shapes(), {3: "dog"})
    found = read_given(folder, SIZE)
    assert [one.frame for one in found] == [f"{n:05d}" for n in range(4)]
    assert found[1].mask.names == {3: "dog"}
    assert "objects 3 (dog), 7, 200" in str(found[1].mask)
    path = write("cvat:exact", tmp_path, shapes(), {})
    assert [one.frame for one in read_given(path, SIZE)] == [0, 1, 2, 3]
    with pytest.raises(MaskError, match="is 57x41, but the clip is 80x60"):
        read_given(path, (80, 60))
    turned = read_given(path, (41, 57), rotation=90)
    np.testing.assert_array_equal(turned[0].mask.labels, np.rot90(shapes()[0]))


def test_a_zip_of_cvat(tmp_path: Path) -> None:
    square = "2,2;12,2;12,12;2,12"
    drawn = f'<polygon frame="4" keyframe="1" points="{square}"/>'
    drawn += f'<polygon frame="5" keyframe="0" points="{square}"/>'
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("annotations.xml", cvat_track(drawn))
        archive.writestr("images/frame_000000.png", b"")
    (given,) = read_given(tmp_path / "a.zip", (40, 30))
    assert (given.frame, given.mask.names) == (4, {1: "cat"})
    assert len(list(MaskSource(tmp_path / "a.zip"))) == 6
    coco = write("coco", tmp_path, shapes(), {})
    with zipfile.ZipFile(tmp_path / "b.zip", "w") as archive:
        archive.write(coco, "annotations/instances_default.json")
        archive.writestr("annotations/captions.json", "{}")
    assert [one.frame for one in read_given(tmp_path / "b.zip", SIZE)] == [f"{n:05d}" for n in range(4)]
    for name, content, message in (
        ("c.zip", b"x", "is no zip file"),
        ("d.zip", {"a.png": b""}, "holds no annotations"),
        ("e.zip", {"a.xml": b"", "b.xml": b""}, "holds several documents"),
        ("f.zip", {"a.xml": b"<a"}, r"f\.zip \(a\.xml\) is not XML"),
    ):
        if isinstance(content, bytes):
            (tmp_path / name).write_bytes(content)
        else:
            with zipfile.ZipFile(tmp_path / name, "w") as archive:
                for entry, data in content.items():
                    archive.writestr(entry, data)
        with pytest.raises(MaskError, match=message):
            read_given(tmp_path / name, SIZE)


def test_inverted(tmp_path: Path) -> None:
    disc = disc_at(0)
    for low, high in ((0, 255), (16, 235)):
        Image.fromarray(np.where(disc, low, high).astype(np.uint8)).save(tmp_path / "a.png")
        with pytest.raises(MaskError, match="--invert"):
            read_mask(tmp_path / "a.png")
        mask = read_mask(tmp_path / "a.png", invert=True)
        np.testing.assert_array_equal(mask.labels, disc)
        assert mask.form.endswith(", inverted")
    Image.fromarray(LABELS).save(tmp_path / "b.png")
    with pytest.raises(MaskError, match="holds 4 values, which cannot be inverted"):
        read_mask(tmp_path / "b.png", invert=True)


def given(ids: tuple[int, ...], names: dict[int, str]) -> GivenMask:
    labels = np.array([[0, *ids]], np.uint8)
    return GivenMask(Mask(Path("a"), labels, ids, "", names))


def test_objects_of_one_name_have_one_id_in_all_files() -> None:
    ids = SharedIds({})
    (first,) = ids.align([given((1, 2), {1: "ball", 2: "dot"})])
    assert first.mask.object_ids == (1, 2)
    (second,) = ids.align([given((1,), {1: "dot"})])
    assert second.mask.object_ids == (2,)
    assert second.mask.names == {2: "dot"}
    (third,) = ids.align([given((1, 2), {1: "dog", 2: "ball"})])  # a new one, and one that is known
    assert third.mask.labels.tolist() == [[0, 3, 1]]
    (plain,) = ids.align([given((1, 2), {})])
    assert plain.mask.object_ids == (1, 2)
    assert ids.names == {1: "ball", 2: "dot", 3: "dog"}


def test_a_tiff_of_floats_that_are_ids(tmp_path: Path) -> None:
    Image.fromarray(LABELS.astype(np.float32)).save(tmp_path / "a.tif")
    np.testing.assert_array_equal(read_mask(tmp_path / "a.tif").labels, LABELS)
    Image.fromarray(LABELS.astype(np.float32) / 2).save(tmp_path / "b.tif")
    with pytest.raises(MaskError, match="holds fractions"):
        read_mask(tmp_path / "b.tif")
