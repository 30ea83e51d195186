"""Masks that exist already, one for every frame: a folder of them, or a label video."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from vosctl.errors import MaskError
from vosctl.media.frame import Frame
from vosctl.media.frame_folder import list_images
from vosctl.media.label_video import read_label_video
from vosctl.media.masks import ColourIds, read_labels


class MaskFolder:
    """Finds the mask of each frame, by the frame's stem if the first frame's is there, else by order.

    Raises:
        MaskError: `path` holds no masks.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._colour_ids: ColourIds = {}
        self._by_stem: bool | None = None  # known at the first frame
        self._video: Iterator[NDArray[np.uint8]] | None = None
        self._files: list[Path] = []
        if path.is_file():
            self._video = read_label_video(path)
            return
        if not path.is_dir():
            raise MaskError(f"{path} does not exist; give a folder of masks or a label video")
        self._files = list_images(path)
        if not self._files:
            raise MaskError(f"{path} holds no masks; expected images such as 00000.png")
        self._stems = {file.stem: file for file in self._files}

    def labels_for(self, frame: Frame) -> NDArray[np.uint8]:
        """The labels (H, W) uint8 of `frame`; frames must be asked for in order.

        Raises:
            MaskError: the frame's mask is missing, cannot be read, or has another size than the frame.
        """
        if self._video is not None:
            return self._next_of_video(frame)
        size = (frame.rgb.shape[1], frame.rgb.shape[0])
        return read_labels(self._file_of(frame), size, self._colour_ids)[0]

    def _file_of(self, frame: Frame) -> Path:
        if self._by_stem is None:
            self._by_stem = frame.stem in self._stems
        if self._by_stem:
            if frame.stem not in self._stems:
                raise MaskError(
                    f"{self._path} holds no mask {frame.stem}.png for frame {frame.index}; add it"
                )
            return self._stems[frame.stem]
        if frame.index >= len(self._files):
            raise MaskError(
                f"{self._path} holds {len(self._files)} masks, none for frame {frame.index}; "
                "give one for every frame"
            )
        return self._files[frame.index]

    def _next_of_video(self, frame: Frame) -> NDArray[np.uint8]:
        assert self._video is not None
        labels = next(self._video, None)
        if labels is None:
            raise MaskError(
                f"{self._path} ends before frame {frame.index}; give one label map for every frame"
            )
        if labels.shape != frame.rgb.shape[:2]:
            raise MaskError(
                f"{self._path} is {labels.shape[1]}x{labels.shape[0]}, but the clip is "
                f"{frame.rgb.shape[1]}x{frame.rgb.shape[0]}; give label maps of the clip's own size"
            )
        return np.where(labels == 255, np.uint8(0), labels)
