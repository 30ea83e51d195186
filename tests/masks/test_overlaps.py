import json
import tracemalloc
from pathlib import Path

import numpy as np
import pytest

from vosctl.masks.notes import OVERLAP
from vosctl.masks.overlaps import compose
from vosctl.masks.sources import MaskSource

SIDE, COUNT = 1000, 60


def test_what_comes_later_is_in_front_and_an_overlap_is_told() -> None:
    told: list[str] = []
    left, right = np.zeros((2, 4), bool), np.zeros((2, 4), bool)
    left[:, :3], right[:, 2:] = True, True
    labels = compose(2, 4, iter([(7, left), (3, right)]), told.append)
    assert labels.tolist() == [[7, 7, 3, 3]] * 2
    assert told == [OVERLAP]


def whole_frames(form: str) -> object:
    """A document of many objects each of which covers a whole large picture."""
    code = {"size": [SIDE, SIDE], "counts": [0, SIDE * SIDE]}
    shapes = [
        {"id": n, "image_id": 1, "video_id": 1, "category_id": n, "bbox": [0, 0, SIDE, SIDE], "area": SIDE**2}
        for n in range(1, COUNT + 1)
    ]
    categories = [{"id": n, "name": f"thing {n}"} for n in range(1, COUNT + 1)]
    size = {"id": 1, "width": SIDE, "height": SIDE}
    if form == "sam":
        return {
            "image": {"file_name": "a.jpg", "width": SIDE, "height": SIDE},
            "annotations": [
                {"segmentation": code, "area": SIDE**2, "bbox": [0, 0, 1, 1], "predicted_iou": 1.0}
            ]
            * COUNT,
        }
    if form == "coco":
        annotations = [{**shape, "segmentation": code} for shape in shapes]
        return {
            "images": [{**size, "file_name": "a.jpg"}],
            "categories": categories,
            "annotations": annotations,
        }
    annotations = [{**shape, "segmentations": [code]} for shape in shapes]
    video = {**size, "file_names": ["a.jpg"], "length": 1}
    return {"videos": [video], "categories": categories, "annotations": annotations}


@pytest.mark.parametrize("form", ["coco", "sam", "youtube-vis"])
def test_a_small_file_of_many_large_objects_takes_no_more_memory_than_a_few(
    form: str, tmp_path: Path
) -> None:
    """600 bytes an object must not become a picture an object."""
    path = tmp_path / "masks.json"
    path.write_text(json.dumps(whole_frames(form)))
    tracemalloc.start()
    try:
        (frame,) = MaskSource(path)
        highest = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert frame.labels.shape == (SIDE, SIDE)
    assert highest < 15 * SIDE * SIDE
