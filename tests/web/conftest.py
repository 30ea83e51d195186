"""A page that is served while a test runs."""

import threading
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from tests.small import moving_discs
from vosctl.boxes import Box
from vosctl.media.frame_index import FrameIndex
from vosctl.web.editor import Frames, MaskEditor
from vosctl.web.server import PageServer

WIDTH, HEIGHT, FRAMES = 160, 96, 4


def fill_boxes(image: NDArray[np.uint8], boxes: Mapping[int, Box]) -> NDArray[np.uint8]:
    """In place of the networks: all of a box but its outermost pixels."""
    labels = np.zeros(image.shape[:2], np.uint8)
    for object_id, box in boxes.items():
        labels[box.top + 1 : box.bottom - 1, box.left + 1 : box.right - 1] = object_id
    return labels


class Served:
    """A page and what it writes."""

    def __init__(self, server: PageServer, editor: MaskEditor, thread: threading.Thread) -> None:
        self.server, self.editor, self.thread = server, editor, thread

    def saved(self) -> NDArray[np.uint8]:
        """The mask, once the server has ended."""
        self.thread.join(10)
        assert not self.thread.is_alive()
        with Image.open(self.editor.output) as image:
            assert image.mode == "P"
            return np.array(image)


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    folder = tmp_path / "clip"
    folder.mkdir()
    for index, picture in enumerate(moving_discs(FRAMES, (WIDTH, HEIGHT))[0]):
        Image.fromarray(picture).save(folder / f"{index}.png")
    editor = MaskEditor(
        Frames(FrameIndex(folder)),
        tmp_path / "first.png",
        0,
        np.zeros((HEIGHT, WIDTH), np.uint8),
        fill_boxes,
        lambda frame: f"vosctl segment clip --mask {frame}=first.png",
    )
    with PageServer(0, editor.routes, editor.largest_body) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield Served(server, editor, thread)
        server.shutdown()
        thread.join()
