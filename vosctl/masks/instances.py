"""Object ids for the shapes of annotation files, which tell objects apart by label and instance."""

from collections import Counter
from collections.abc import Hashable, Sequence
from pathlib import Path

from vosctl.arrays import MAX_ID
from vosctl.errors import MaskError
from vosctl.masks.writer import default_name

Instance = tuple[str, Hashable | None]
"""A label, and what tells its instances apart; None where the file does not say."""


class InstanceIds:
    """Numbers the objects of one file, or of the files of one folder.

    An instance that is itself a number from 1 to 254 keeps it, unless another object has it. Others get the
    lowest number that is free, as they appear. Shapes of a label that name no instance are the first, second,
    ... of their label in each frame.

    Attributes:
        names: the label of each object so far, by id.
    """

    def __init__(self, path: Path) -> None:
        self.names: dict[int, str] = {}
        self._path = path
        self._ids: dict[Instance, int] = {}
        self._taken: set[int] = set()

    def of_frame(self, shapes: Sequence[Instance]) -> list[int]:
        """The object id of each shape of a frame.

        Raises:
            MaskError: there are more objects than a label map can hold.
        """
        counts: Counter[str] = Counter()
        ids = []
        for label, instance in shapes:
            key: Instance = (label, instance)
            if instance is None:
                counts[label] += 1
                key = (label, ("no.", counts[label]))
            if key not in self._ids:
                self._join(key, label, instance)
            ids.append(self._ids[key])
        return ids

    def _join(self, key: Instance, label: str, instance: Hashable | None) -> None:
        number = instance if type(instance) is int and 1 <= instance <= MAX_ID else 0
        if not number or number in self._taken:
            number = next((n for n in range(1, MAX_ID + 1) if n not in self._taken), 0)
        if not number:
            raise MaskError(
                f"{self._path} holds more than {MAX_ID} objects; a label map has {MAX_ID} at most; split it"
            )
        self._taken.add(number)
        self._ids[key] = number
        if label and label != default_name(number):
            self.names[number] = label
