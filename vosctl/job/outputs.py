"""What a run writes, all of it together: masks, other formats, the overlay."""

from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import TracebackType
from typing import Self

from vosctl.errors import CUT_SHORT
from vosctl.files import make_folder
from vosctl.job.request import Request
from vosctl.masks.palette_folder import MaskWriter
from vosctl.masks.score_pictures import write_score_picture
from vosctl.masks.spec import Format
from vosctl.masks.tidy import NO_TIDYING, Tidier, Tidy
from vosctl.masks.writer import LabelledFrame
from vosctl.media.claims import refuse_link
from vosctl.media.drawing import draw_overlay
from vosctl.media.frame import ClipInfo
from vosctl.media.video_writer import VideoWriter


@dataclass(frozen=True)
class OverlayStyle:
    """How masks are drawn over the picture."""

    opacity: float = 0.5
    """The opacity of the colours, 0 to 1."""
    contour: bool = True
    """Draw a line around each object."""


@dataclass(frozen=True)
class Outputs:
    """What a run writes; None for what it does not."""

    masks: Path | None = None
    """Folder of palette PNGs."""
    overlay: Path | None = None
    """Video of the clip with its masks drawn over it."""
    style: OverlayStyle = OverlayStyle()
    exports: Mapping[Path, Format] = field(default_factory=dict)
    """Masks in other formats, by the folder or file that they go to."""
    scores: Path | None = None
    """Folder of pictures of how the objects' models see each frame."""
    samples: tuple[int, int] | None = None
    """How many samples of a frame in which objects start there are, and the seed of their variations: beside
    the scores they are drawn too. None for a system that has none."""
    names: Mapping[int, str] = field(default_factory=dict)
    """What the objects are called, by id."""
    tidy: Tidy = NO_TIDYING
    """What to do to the label maps first; then the folder of palette PNGs is one of the exports, and `masks`
    are the maps as they were."""

    @classmethod
    def of(cls, request: Request, targets: Mapping[Path, Format]) -> "Outputs":
        """What a request writes; makes the folder of several formats.

        Args:
            request: the request.
            targets: its places.

        Raises:
            OutputError: the folder cannot be made.
        """
        if len(targets) > 1:
            make_folder(request.output)
            for path in targets:
                refuse_link(path)
        folder = masks_folder(request, targets)
        exports = {path: form for path, form in targets.items() if path != folder}
        return cls(
            folder,
            request.overlay,
            exports=exports,
            scores=request.scores,
            names=request.all_names,
            tidy=request.tidy,
        )

    @property
    def need_soft(self) -> bool:
        """Something holds probabilities."""
        return any(form.needs_soft for form in self.exports.values())

    @property
    def need_all_frames(self) -> bool:
        """Something cannot be extended: a run that goes on makes it anew, from the first frame on."""
        return bool(self.overlay or self.exports)


def masks_folder(request: Request, targets: Mapping[Path, Format]) -> Path | None:
    """The folder of label maps as the tracker made them; None where a request writes none."""
    if request.tidy != NO_TIDYING:
        return None
    return next((path for path, form in targets.items() if form.name == "palette"), None)


class OutputWriters:
    """Writes to all outputs of a run, in the order of the frames; use it in a `with` statement."""

    def __init__(self, outputs: Outputs, info: ClipInfo) -> None:
        self._style, self._scores, self._names = outputs.style, outputs.scores, outputs.names
        self._samples = outputs.samples
        self._tidier = Tidier(outputs.tidy) if outputs.tidy != NO_TIDYING else None
        self._again: set[str] = set()  # frames that were there before and still wait for others
        with ExitStack() as stack:
            self._masks = stack.enter_context(MaskWriter(outputs.masks)) if outputs.masks else None
            self._video = stack.enter_context(VideoWriter(outputs.overlay, info)) if outputs.overlay else None
            self._exports = [
                stack.enter_context(form.open(path, info)) for path, form in outputs.exports.items()
            ]
            self._stack = stack.pop_all()

    def write(self, frame: LabelledFrame) -> None:
        """Adds a frame; with its picture, and its probabilities where they are needed.

        Raises:
            OutputError: something cannot be written.
        """
        frame = replace(frame, names=self._names)
        if self._masks:
            self._masks.write(frame.stem, frame.labels)
        if self._scores and frame.scores:
            assert frame.rgb is not None
            write_score_picture(self._scores, frame.stem, frame.rgb, frame.labels, frame.scores)
        elif self._scores and self._samples and frame.labels.any():  # a frame whose mask was given
            from vosctl.masks.sample_pictures import write_sample_picture  # which imports torch

            assert frame.rgb is not None
            write_sample_picture(
                self._scores, f"{frame.stem}_samples", frame.rgb, frame.labels, *self._samples
            )
        self._export(frame)

    def replay(self, frame: LabelledFrame) -> None:
        """Adds a frame to what is made anew; its mask, which has been written before, stays.

        Raises:
            OutputError: something cannot be written.
        """
        self._again.add(frame.stem)
        self._export(replace(frame, names=self._names))

    def _export(self, frame: LabelledFrame) -> None:
        for one in self._tidier.push(frame) if self._tidier else (frame,):
            self._write_out(one)

    def _write_out(self, frame: LabelledFrame) -> None:
        is_again = frame.stem in self._again
        self._again.discard(frame.stem)
        for export in self._exports:
            if is_again:
                export.replay(frame)
            else:
                export.write(frame)
        self._draw(frame)

    def flush(self) -> None:
        """Waits until all masks are on the disk.

        Raises:
            OutputError: one cannot be written.
        """
        if self._masks:
            self._masks.flush()

    @property
    def notes(self) -> tuple[str, ...]:
        """What people should know of the results."""
        notes = [writer.note for writer in (self._video, *self._exports) if writer]
        return tuple(dict.fromkeys(note for note in notes if note))

    def _draw(self, frame: LabelledFrame) -> None:
        if self._video:
            assert frame.rgb is not None
            picture = draw_overlay(frame.rgb, frame.labels, self._style.opacity, self._style.contour)
            self._video.write(picture, frame.time)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if self._tidier and (error is None or isinstance(error, CUT_SHORT)):
                for frame in self._tidier.rest():
                    self._write_out(frame)
        except BaseException as failure:
            self._stack.__exit__(type(failure), failure, failure.__traceback__)
            raise
        self._stack.__exit__(kind, error, trace)
