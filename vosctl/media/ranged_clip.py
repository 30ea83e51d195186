"""A part of a clip: from one frame to another, perhaps every second or tenth frame alone."""

from collections.abc import Iterator
from dataclasses import replace

from vosctl.errors import ClipError
from vosctl.media.frame import Clip, Frame, Numbering


class RangedClip(Clip):
    """Frames of a clip, counted anew from 0, under the names that they have in the whole clip."""

    def __init__(self, clip: Clip, numbering: Numbering, end: int | None = None) -> None:
        """Reads the first frame.

        Args:
            clip: that can be read more than once.
            numbering: which frames, and how they are numbered.
            end: index of the last frame in the whole clip; None for all that come.

        Raises:
            ClipError: the clip has no such frame.
        """
        self._clip, self._numbering, self._end = clip, numbering, end
        self.info = clip.info
        first = next(self.frames_from(0), None)
        if first is None:
            raise ClipError(
                f"{clip.info.path} has no frame {numbering.number(0)}, which --start names; name one before"
            )
        info, whole = clip.info, numbering.start == 0 and numbering.every == 1 and end is None
        count = info.frame_count_hint
        if end is not None:
            count = end + 1 if count is None else min(count, end + 1)
        self.info = replace(
            info,
            frame_count_hint=None
            if count is None
            else max(0, -(-(count - numbering.start) // numbering.every)),
            rate=info.rate / numbering.every if info.rate else None,
            has_audio=info.has_audio and whole,
            start_time=info.start_time if whole or first.time is None else first.time,
            notes=info.notes
            if whole or not info.has_audio
            else (*info.notes, "a part of a clip has no sound"),
            numbering=numbering,
        )

    def __iter__(self) -> Iterator[Frame]:
        return self.frames_from(0)

    def frames_from(self, start: int) -> Iterator[Frame]:
        """Yields the frames from an index within the part on."""
        numbering = self._numbering
        for frame in self._clip.frames_from(numbering.start + start * numbering.every):
            if self._end is not None and frame.index > self._end:
                return
            index = numbering.index(frame.index)
            if index is None:
                continue
            stem = frame.stem if numbering.first is None else f"{numbering.number(index):04d}"
            yield replace(frame, index=index, stem=stem)
