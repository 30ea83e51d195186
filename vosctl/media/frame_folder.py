"""A folder of images as a clip."""

import re
from collections.abc import Collection, Iterator
from fractions import Fraction
from pathlib import Path

import numpy as np

from vosctl.errors import ClipError, TruncatedClipError
from vosctl.media.film_images import FILM_SUFFIXES, film_note
from vosctl.media.frame import Clip, ClipInfo, Frame
from vosctl.media.images import ValueRange, read_deep, read_rgb
from vosctl.media.limits import MAX_PIXELS

IMAGE_SUFFIXES = frozenset(
    {".jpg", ".jpeg", ".jfif", ".png", ".webp", ".bmp", ".tif", ".tiff", ".gif", ".jp2", ".j2k", ".tga"}
    | {".ppm", ".pgm", ".pnm", *FILM_SUFFIXES}
)

# Whole numbers, also with commas between thousands. A minus may belong to one if no letter or digit precedes.
_NUMBER = r"\d{1,3}(?:,\d{3})+(?!\d)|\d+"
_UNSIGNED = re.compile(f"({_NUMBER})")
_SIGNED = re.compile(rf"((?<![^\W_])-(?:{_NUMBER})|{_NUMBER})")
_SAMPLES = 8  # pictures of a folder whose values tell how many bits are used


def natural_key(name: str, signed: bool = False) -> list[tuple[int, int, str]]:
    """Returns a sort key by which `frame9` comes before `frame10`, and `999` before `1,000`.

    Args:
        name: without suffix.
        signed: a minus is a sign, not a dash: `-2` comes before `-1`.
    """
    parts = (_SIGNED if signed else _UNSIGNED).split(name)
    return [
        (1, int(part.replace(",", "")), "") if index % 2 else (0, 0, part)
        for index, part in enumerate(parts)
        if part
    ]


def has_signs(names: Collection[str]) -> bool:
    """Whether minus signs stand before the numbers of some names: others differ from them by its absence."""
    bare = {re.sub(_NUMBER, "#", name) for name in names}
    return any(re.match(r"-\d", name) for name in names) or any(
        "-#" in one and re.sub(r"(?<![^\W_])-#", "#", one) in bare - {one} for one in bare
    )


def list_images(folder: Path) -> list[Path]:
    """Returns the images of `folder` in natural order; hidden ones (macOS' `._` copies) are left out."""
    found = [p for p in folder.iterdir() if p.suffix.lower() in IMAGE_SUFFIXES and not p.name.startswith(".")]
    signed = has_signs({path.stem for path in found})
    return sorted(found, key=lambda p: (natural_key(p.stem, signed), p.name))


class FrameFolder(Clip):
    """The images of a folder, in natural order of their names. They have times where a rate is given."""

    def __init__(self, path: Path, max_pixels: int = MAX_PIXELS, rate: Fraction | None = None) -> None:
        """Lists the images and reads the first one; `rate` is in frames per second.

        Raises:
            ClipError: there is none, two have one name, or the first cannot be read.
        """
        self._max_pixels = max_pixels
        try:
            self._images = list_images(path)
        except OSError as error:
            raise ClipError(f"{path} cannot be read: {error.strerror}; check its permissions") from error
        if not self._images:
            raise ClipError(
                f"{path} holds no image ({', '.join(sorted(IMAGE_SUFFIXES))}); give a folder of frames"
            )
        self._require_names(path)
        height, width = read_rgb(self._images[0], max_pixels).shape[:2]
        self._range = self._find_range()
        self.info = ClipInfo(
            path,
            width,
            height,
            len(self._images),
            rate=rate,
            has_audio=False,
            is_folder=True,
            notes=tuple(
                note for note in (self._range and self._range.note, film_note(self._images[0])) if note
            ),
        )

    def _notes(self) -> tuple[str, ...]:
        found = (self._range.note if self._range else None, film_note(self._images[0]))
        return tuple(note for note in found if note)

    def _require_names(self, path: Path) -> None:
        stems: dict[str, Path] = {}
        for image in self._images:
            if image.stem in stems:
                raise ClipError(
                    f"{path} holds {stems[image.stem].name} and {image.name}: two frames of one name; "
                    "remove one"
                )
            stems[image.stem] = image

    def _find_range(self) -> ValueRange | None:
        """Returns the range of gray values of more than 8 bits, one for all frames; None if they have 8."""
        first = read_deep(self._images[0], self._max_pixels)
        if first is None:
            return None
        values = [first.ravel()]
        step = -(-len(self._images) // _SAMPLES)
        for path in self._images[step::step]:
            try:
                more = read_deep(path, self._max_pixels)
            except ClipError:
                continue  # the clip ends there, which is told when it comes to it
            if more is not None and more.dtype == first.dtype:
                values.append(more.ravel())
        return ValueRange.of(np.concatenate(values))

    def __iter__(self) -> Iterator[Frame]:
        return self.frames_from(0)

    def frames_from(self, start: int) -> Iterator[Frame]:
        """Yields the frames from an index on, without reading the images before."""
        size = (self.info.width, self.info.height)
        for index, path in enumerate(self._images[start:], start):
            try:
                rgb = read_rgb(path, self._max_pixels, self._range)
            except ClipError as error:
                raise TruncatedClipError(str(error)) from error
            if (rgb.shape[1], rgb.shape[0]) != size:
                raise TruncatedClipError(
                    f"{path} is {rgb.shape[1]}x{rgb.shape[0]}, but {self._images[0].name} is "
                    f"{size[0]}x{size[1]}; all frames of a clip must have one size"
                )
            yield Frame(index, rgb, index / self.info.rate if self.info.rate else None, path.stem)

    def times(self) -> Iterator[Fraction | None]:
        """Yields the times of all frames, without reading them."""
        rate = self.info.rate
        return (index / rate if rate else None for index in range(len(self._images)))
