"""Categories of COCO files: what their objects are called, and which ids our own files keep."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from vosctl.arrays import MAX_ID
from vosctl.masks.documents import is_whole
from vosctl.masks.writer import default_name

WRITTEN_BY = "masks written by vosctl"
"""How the description of our own files begins, in which `track_id` is the object's id."""

Annotation = Mapping[str, Any]


@dataclass(frozen=True)
class Category:
    """One kind of object."""

    id: int
    name: str
    objects: tuple[int, ...]
    """Ids of the objects of this kind."""


def categories_of(object_ids: Collection[int], names: Mapping[int, str]) -> list[Category]:
    """A category for each name, whose id is that of its first object; one for each object without a name."""
    kinds: dict[str, list[int]] = {}
    for object_id in sorted(object_ids):
        kinds.setdefault(names.get(object_id, default_name(object_id)), []).append(object_id)
    return [Category(objects[0], name, tuple(objects)) for name, objects in kinds.items()]


def own_ids(document: Any, images: Sequence[Sequence[Annotation]]) -> list[list[int]] | None:
    """The object id of each annotation of each image of a file that `CocoWriter` wrote; else None."""
    info = document.get("info")
    description = info.get("description") if isinstance(info, dict) else None
    if not isinstance(description, str) or not description.startswith(WRITTEN_BY):
        return None
    ids = [[annotation.get("track_id") for annotation in annotations] for annotations in images]
    known = [[one for one in of_image if is_whole(one) and 1 <= one <= MAX_ID] for of_image in ids]
    return known if known == ids else None


def names_of(
    document: Any, images: Sequence[Sequence[Annotation]], ids: Sequence[Sequence[int]]
) -> dict[int, str]:
    """The category's name of each object, by the object's id."""
    listed = document.get("categories")
    known = {
        category["id"]: category["name"]
        for category in (listed if isinstance(listed, list) else [])
        if isinstance(category, dict)
        and is_whole(category.get("id"))
        and isinstance(category.get("name"), str)
    }
    names: dict[int, str] = {}
    for annotations, of_image in zip(images, ids, strict=True):
        for annotation, object_id in zip(annotations, of_image, strict=True):
            category = annotation.get("category_id")
            name = known.get(category) if is_whole(category) else None
            if name and name != default_name(object_id):
                names.setdefault(object_id, name)
    return names
