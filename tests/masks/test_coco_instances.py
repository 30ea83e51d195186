import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from vosctl.errors import MaskError
from vosctl.masks.coco_instances import object_ids
from vosctl.masks.sources import MaskSource


def ids_of(*images: list[dict[str, Any]]) -> tuple[list[list[int]], list[str]]:
    notes: list[str] = []
    return object_ids(images, Path("a.json"), notes.append), notes


def one(number: int, category: int, **more: Any) -> dict[str, Any]:
    return {"id": number, "category_id": category, **more}


def test_a_category_alone_is_the_object() -> None:
    assert ids_of([one(1, 9), one(2, 3)], [one(3, 9)]) == ([[9, 3], [9]], [])
    assert ids_of([one(1, 9), one(1, 9)]) == ([[9, 9]], [])  # one annotation in two parts


def test_instances_of_a_category_are_objects_of_their_own_in_the_order_of_each_image() -> None:
    ids, notes = ids_of([one(1, 3), one(2, 3), one(3, 300)], [one(4, 3), one(5, 3)], [one(6, 300)])
    assert ids == [[1, 2, 3], [1, 2], [3]]
    assert notes == [
        "a category has several instances, each of which is an object of its own: 1 = no. 1 of category 3, "
        "2 = no. 2 of category 3, 3 = no. 1 of category 300"
    ]


@pytest.mark.parametrize("nested", [False, True])
def test_tracks_are_followed_though_their_order_changes(nested: bool) -> None:
    def tracked(number: int, track: int) -> dict[str, Any]:
        return one(number, 3, **({"attributes": {"track_id": track}} if nested else {"track_id": track}))

    ids, notes = ids_of([tracked(1, 70), tracked(2, 0)], [tracked(3, 0), tracked(4, 70)], [tracked(5, 0)])
    assert ids == [[1, 2], [2, 1], [2]]
    assert "1 = track 70 of category 3" in notes[0]


def test_two_tracks_of_a_category_are_two_objects_though_no_image_has_both() -> None:
    assert ids_of([one(1, 3, track_id=5)], [one(2, 3, track_id=7)], [one(3, 3, track_id=5)])[0] == [
        [1],
        [2],
        [1],
    ]
    assert ids_of([one(1, 3, track_id=5)], [one(2, 3, track_id=5)])[0] == [[3], [3]]


def test_too_many_objects_and_categories_that_are_none() -> None:
    with pytest.raises(MaskError, match="holds 255 objects"):
        ids_of([one(n, 3) for n in range(255)])
    with pytest.raises(MaskError, match="annotation 1 has category_id cat"):
        ids_of([{"id": 1, "category_id": "cat"}])
    with pytest.raises(MaskError, match="category_id 0"):
        ids_of([one(1, 0)])


def test_instances_stay_apart_in_label_maps(tmp_path: Path) -> None:
    def annotation(number: int, counts: list[int]) -> dict[str, Any]:
        return one(number, 3, image_id=1, segmentation={"size": [2, 3], "counts": counts})

    image = {"id": 1, "width": 3, "height": 2, "file_name": "a.png"}
    content = {"images": [image], "annotations": [annotation(1, [0, 2, 4]), annotation(2, [4, 2])]}
    (tmp_path / "a.json").write_text(json.dumps(content))
    source = MaskSource(tmp_path / "a.json")
    np.testing.assert_array_equal(next(iter(source)).labels, [[1, 0, 2], [1, 0, 2]])
    assert len(source.notes) == 1
