"""The backward pass: from the last mask to the first frame, its probabilities on disk in 8 bits."""

from collections import deque
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
from PIL import Image as Picture

from vosctl.arrays import Image, Labels, Probability
from vosctl.errors import MaskError, OutputError
from vosctl.files import make_folder
from vosctl.job.resume.checkpoints import Checkpoints
from vosctl.masks.png import save_png
from vosctl.media.broken_files import IMAGE_ERRORS
from vosctl.media.clip import Clip, Frame
from vosctl.media.prefetch import prefetch
from vosctl.media.reverse import reversed_frames
from vosctl.tracking.blending import backward_share, blend, draw_given, labels_of, mask_frames
from vosctl.tracking.confidence import confidences_of
from vosctl.tracking.tracker import Tracker

_INTERVAL = 64  # frames between two saved states
_FRAMES_AHEAD = 12


class BackwardPass:
    """Tracks the objects of a clip from their masks towards its beginning.

    The same tracker runs over the frames in reverse: for it, frame `last` is frame 0.

    Args:
        folder: for the results, a PNG a frame with the objects below each other, and for its states.
        masks: label maps by frame index.
        tracker: a new one.

    Attributes:
        last: index of the frame that it begins at.
    """

    def __init__(self, folder: Path, masks: Mapping[int, Labels], tracker: Tracker) -> None:
        self._folder = folder
        self._states = Checkpoints(folder / "states")
        self._masks = masks
        self._tracker = tracker
        self._masks_of = mask_frames(masks)
        self.last = max(masks)

    def run(self, clip: Clip, first: int) -> Iterator[Frame]:
        """Computes what is missing from the last mask down to frame `first`.

        Yields:
            Each frame that is done.

        Raises:
            ClipError: a frame cannot be read.
            MaskError: a mask has another size than its frame, or is of a frame that the clip does not have.
            OutputError: a result cannot be written.
        """
        make_folder(self._folder)
        tracker = self._tracker
        if state := self._states.load():
            tracker.load_state_dict(state)
        begin = self.last - tracker.position
        if begin < first:
            return
        saved = tracker.position
        waiting: deque[Frame] = deque()  # frames that the tracker holds for its window

        def images() -> Iterator[Image]:
            expected = begin
            for frame in prefetch(reversed_frames(clip, begin, first), _FRAMES_AHEAD):
                if frame.index != expected:
                    raise MaskError(
                        f"a mask was given for frame {self.last}, but the clip has {frame.index + 1} frames; "
                        f"frames count from 0"
                    )
                expected -= 1
                waiting.append(frame)
                yield frame.rgb

        masks = {self.last - at: labels for at, labels in self._masks.items() if at >= first}
        for result in tracker.run(images(), masks, soft=True):
            frame = waiting.popleft()
            assert result.probabilities is not None
            self._write(frame.index, result.probabilities[1:])
            is_whole = result.index + 1 == tracker.position
            if is_whole and (frame.index == first or tracker.position - saved >= _INTERVAL):
                saved = tracker.position
                self._states.save(saved, tracker.state_dict())
            yield frame

    def combine(
        self, index: int, shape: tuple[int, int], forward: Mapping[int, Probability]
    ) -> tuple[Labels, dict[int, Probability], dict[int, float]]:
        """The results of both passes as one.

        Args:
            index: of the frame, before `last`.
            shape: (H, W).
            forward: probabilities (H, W), by object.

        Returns:
            The label map, and by object id probabilities and confidences.

        Raises:
            OutputError: a file of this pass is missing or damaged.
        """
        shares = {object_id: backward_share(index, at) for object_id, at in self._masks_of.items()}
        soft = blend(forward, self.read(index), shares)
        labels = labels_of(soft, shape)
        if index in self._masks:
            labels = draw_given(labels, self._masks[index])
        return labels, soft, confidences_of(soft, labels, self._tracker.refined)

    def read(self, index: int) -> dict[int, Probability]:
        """The probabilities (H, W) of a frame, by object; none after the last mask.

        Raises:
            OutputError: the file is missing or damaged.
        """
        if index > self.last:
            return {}
        ids = self._ids(index)
        path = self._path(index)
        try:
            with Picture.open(path) as image:
                stacked = np.asarray(image)
        except IMAGE_ERRORS as error:
            raise OutputError(f"{path} cannot be read: {error}; start over with --overwrite") from error
        maps = stacked.reshape(len(ids), -1, stacked.shape[1]).astype(np.float32) / np.float32(255)
        return dict(zip(ids, maps, strict=True))

    def _write(self, index: int, maps: np.ndarray[tuple[int, ...], np.dtype[np.float32]]) -> None:
        stacked = np.rint(maps * 255).astype(np.uint8)  # (O, H, W)
        save_png(self._path(index), stacked.reshape(-1, stacked.shape[-1]))

    def _ids(self, index: int) -> list[int]:
        """The objects that the pass knows at a frame, in the order in which it met them."""
        met: list[int] = []
        for frame in sorted(self._masks, reverse=True):
            if frame >= index:
                met += [one for one in mask_frames({frame: self._masks[frame]}) if one not in met]
        return met

    def _path(self, index: int) -> Path:
        return self._folder / f"{index:08d}.png"
