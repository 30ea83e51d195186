"""Which object each annotation of a COCO file is of: a category may have several instances."""

from collections import Counter
from collections.abc import Hashable, Mapping, Sequence
from pathlib import Path
from typing import Any

from vosctl.arrays import MAX_ID
from vosctl.errors import MaskError
from vosctl.masks.notes import Note

Annotation = Mapping[str, Any]

_MOST_NAMED = 8  # objects in a note


def object_ids(images: Sequence[Sequence[Annotation]], path: Path, note: Note) -> list[list[int]]:
    """The object id of each annotation of each image.

    Where no category has two instances in an image, nor two tracks, the category is the object. Else an
    object is the track that its annotations name (`track_id`, or CVAT's `attributes.track_id`) or, without
    one, the first, second, ... instance of its category in each image; objects are then numbered as they
    appear, which is told.

    Raises:
        MaskError: a category is no whole number or, where it is the object, no object id; or there are too
            many objects.
    """
    everything = [annotation for annotations in images for annotation in annotations]
    for annotation in everything:
        if type(annotation.get("category_id")) is not int:
            raise _category_error(annotation, path)
    tracked = [annotation for annotation in everything if _track(annotation)]
    if not any(_has_instances(annotations) for annotations in (*images, tracked)):
        return [[_category(annotation, path) for annotation in annotations] for annotations in images]
    keys = [_keys(annotations) for annotations in images]
    numbers: dict[Hashable, int] = {}
    for key in (key for of_image in keys for key in of_image):
        numbers.setdefault(key, len(numbers) + 1)
    if len(numbers) > MAX_ID:
        raise MaskError(f"{path} holds {len(numbers)} objects; a label map has {MAX_ID} at most; split it")
    note(_numbering(numbers))
    return [[numbers[key] for key in of_image] for of_image in keys]


def _has_instances(annotations: Sequence[Annotation]) -> bool:
    """Whether two annotations of one category are of different objects: all are but those of one id."""
    found: dict[int, set[Hashable]] = {}
    for position, annotation in enumerate(annotations):
        own = _track(annotation) or ("id", annotation["id"] if _is_whole(annotation.get("id")) else -position)
        found.setdefault(annotation["category_id"], set()).add(own)
    return any(len(instances) > 1 for instances in found.values())


def _keys(annotations: Sequence[Annotation]) -> list[Hashable]:
    """What tells the objects of one image apart, and finds them again in another image."""
    counts: Counter[int] = Counter()
    seen: dict[Hashable, Hashable] = {}
    keys: list[Hashable] = []
    for position, annotation in enumerate(annotations):
        category = annotation["category_id"]
        own = annotation["id"] if _is_whole(annotation.get("id")) else -1 - position
        if _track(annotation) is not None:
            keys.append((category, _track(annotation)))
            continue
        if (category, own) not in seen:
            counts[category] += 1
            seen[category, own] = (category, counts[category])
        keys.append(seen[category, own])
    return keys


def _track(annotation: Annotation) -> Hashable:
    attributes = annotation.get("attributes")
    for holder in (annotation, attributes if isinstance(attributes, dict) else {}):
        if _is_whole(holder.get("track_id")):
            return ("track", holder["track_id"])
    return None


def _is_whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _category(annotation: Annotation, path: Path) -> int:
    category: int = annotation["category_id"]
    if not 1 <= category <= MAX_ID:
        raise _category_error(annotation, path)
    return category


def _category_error(annotation: Annotation, path: Path) -> MaskError:
    return MaskError(
        f"{path}, annotation {annotation.get('id')} has category_id {annotation.get('category_id')}; "
        f"expected ids in 1..{MAX_ID}"
    )


def _numbering(numbers: Mapping[Hashable, int]) -> str:
    named = ", ".join(f"{number} = {_describe(key)}" for key, number in list(numbers.items())[:_MOST_NAMED])
    more = ", ..." if len(numbers) > _MOST_NAMED else ""
    return f"a category has several instances, each of which is an object of its own: {named}{more}"


def _describe(key: Any) -> str:
    category, instance = key
    of_track = isinstance(instance, tuple)
    return f"{f'track {instance[1]}' if of_track else f'no. {instance}'} of category {category}"
