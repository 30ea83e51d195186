"""Which part of a clip, or of masks, is meant: `--start`, `--end`, `--every`, `--first-number`, `--fps`."""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

from vosctl.errors import ClipError, MaskError, UsageError
from vosctl.masks.frame_names import FrameNames
from vosctl.masks.writer import LabelledFrame
from vosctl.media.clip import Clip, open_clip
from vosctl.media.frame import Numbering
from vosctl.media.ranged_clip import RangedClip

_NTSC = {
    Fraction(n, 1000): Fraction(round(Fraction(n, 1000)) * 1000, 1001) for n in (23976, 29970, 47952, 59940)
}
_NTSC |= {Fraction(n, 100): Fraction(round(Fraction(n, 100)) * 1000, 1001) for n in (2398, 2997, 4795, 5994)}
_FASTEST = 1000  # frames per second


@dataclass(frozen=True)
class Part:
    """A part of a clip as a person names it; by default all. It is plain data."""

    start: str | None = None
    """The first frame: its number or name, or a time such as `12.5s` or `0:01:02.5`."""
    end: str | None = None
    """The last frame, likewise; of a time the last frame before it."""
    every: int = 1
    """Take every so manyth frame."""
    first_number: int | None = None
    """Number of the clip's first frame, from which all are counted, whatever they are called."""
    fps: str | None = None
    """Frames per second of a folder of images."""

    @property
    def is_whole(self) -> bool:
        """Whether all frames are meant, under their own names."""
        return (self.start, self.end, self.every, self.first_number) == (None, None, 1, None)

    @property
    def text(self) -> str:
        """The options, as a command line has them; "" where there is none."""
        values = (("start", self.start), ("end", self.end), ("every", self.every if self.every > 1 else None))
        values = (*values, ("first-number", self.first_number), ("fps", self.fps))  # type: ignore[assignment]
        return " ".join(f"--{name} {value}" for name, value in values if value is not None)


WHOLE = Part()
"""All of a clip."""


def open_part(
    path: Path,
    part: Part = WHOLE,
    live: bool | None = None,
    stream: int | None = None,
    max_pixels: int | None = None,
) -> Clip:
    """Opens a clip, or a part of it; see `open_clip`.

    Raises:
        ClipError: the clip cannot be opened, or does not have the frames.
        UsageError: a position is none.
    """
    clip = open_clip(path, live, stream, max_pixels, parse_rate(part.fps))
    if part.is_whole:
        return clip
    if clip.info.is_stream:
        raise ClipError(f"{path} can be read only once, from its beginning on; leave out {part.text}")
    first = part.first_number or 0
    if part.first_number is None:
        names: FrameNames | None = FrameNames(path)
    else:
        names = None

    def index_of(text: str) -> int:
        if names is not None:
            return names.index_of(text, "--start or --end")
        return _number(text) - first

    start = _place(part.start, 0, index_of, clip.times, False)
    end = _place(part.end, None, index_of, clip.times, True)
    assert start is not None
    if start < 0 or (end is not None and end < start):
        raise UsageError(f"{part.text}: {path} has no frames there; name an end after the start")
    return RangedClip(clip, Numbering(start, part.every, part.first_number), end)


def part_of(
    frames: Callable[[], Iterable[LabelledFrame]], part: Part, where: Path
) -> Iterator[LabelledFrame]:
    """The masks of a part; they are read twice where positions have to be found.

    Raises:
        MaskError: there are no such masks.
        UsageError: a position is none.
    """
    listed = [(frame.stem, frame.time) for frame in frames()] if part.start or part.end else []
    names = FrameNames.of_stems([stem for stem, _ in listed], where) if listed else None
    first = part.first_number or 0

    def index_of(text: str) -> int:
        if part.first_number is not None:
            return _number(text) - first
        assert names
        return names.index_of(text, "--start or --end")

    def times() -> Iterator[Fraction | None]:
        return (time for _, time in listed)

    start = _place(part.start, 0, index_of, times, False)
    end = _place(part.end, None, index_of, times, True)
    assert start is not None
    numbering = Numbering(start, part.every, part.first_number)
    has_any = False
    for at, frame in enumerate(frames()):
        index = numbering.index(at)
        if index is None or (end is not None and at > end):
            continue
        has_any = True
        yield frame if part.first_number is None else replace(frame, stem=f"{numbering.number(index):04d}")
    if not has_any:
        raise MaskError(f"{where} has no masks in the part {part.text}; name another")


def parse_rate(text: str | None) -> Fraction | None:
    """Frames per second: `24`, `23.976` (which is 24000/1001) or `24000/1001`.

    Raises:
        UsageError: it is none.
    """
    if text is None:
        return None
    try:
        rate = Fraction(text)
    except (ValueError, ZeroDivisionError):
        rate = Fraction(0)
    if not 0 < rate <= _FASTEST:
        raise UsageError(f"--fps {text[:20]}: expected frames per second such as 24, 23.976 or 24000/1001")
    return _NTSC.get(rate, rate)


def parse_time(text: str) -> Fraction | None:
    """Seconds of `12.5s`, `1:02.5` or `0:01:02.5`; None for what is no time."""
    if match := re.fullmatch(r"([0-9]{1,9}(?:\.[0-9]{1,9})?)s", text):
        return Fraction(match[1])
    if match := re.fullmatch(r"(?:([0-9]{1,4}):)?([0-9]{1,2}):([0-9]{1,2}(?:\.[0-9]{1,9})?)", text):
        return int(match[1] or 0) * 3600 + int(match[2]) * 60 + Fraction(match[3])
    return None


def _number(text: str) -> int:
    if not re.fullmatch("-?[0-9]{1,9}", text):
        raise UsageError(f"{text[:40]} is no frame; with --first-number frames are counted: give a number")
    return int(text)


def _place(
    text: str | None,
    default: int | None,
    index_of: Callable[[str], int],
    times: Callable[[], Iterator[Fraction | None]],
    is_end: bool,
) -> int | None:
    """The index that a position means; of a time the first frame from it on, or the last before it."""
    if text is None:
        return default
    seconds = parse_time(text)
    if seconds is None:
        try:
            return index_of(text)
        except MaskError as error:
            raise UsageError(str(error)) from error
    first: Fraction | None = None
    count = 0
    for time in times():
        if time is None:
            raise UsageError(f"{text}: the frames have no times; give --fps, or a frame's number or name")
        first = time if first is None else first
        if time - first >= seconds:
            break
        count += 1
    return count - 1 if is_end else count
