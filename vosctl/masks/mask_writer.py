"""Label maps to a folder of palette PNGs, written by a pool of threads."""

import threading
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
from numpy.typing import NDArray

from vosctl.masks.palette import save_palette_png
from vosctl.media.files import make_folder


class MaskWriter:
    """Writes label maps as `STEM.png` into a folder, which is made if it is missing.

    Each file is written whole or not at all. A file that could not be written makes the next `write`, or at
    the latest the end of the `with` block, raise. When the block ends, by an exception too (Ctrl-C among
    them), the masks handed over before are still written.

    Raises:
        OutputError: the folder cannot be made, or a file cannot be written.
    """

    def __init__(self, folder: Path, threads: int = 2) -> None:
        make_folder(folder)
        self._folder = folder
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="vosctl-masks")
        # Bounds the label maps held in memory when the disk is slower than the tracker.
        self._depth = 4 * threads
        self._places = threading.BoundedSemaphore(self._depth)
        self._failure: BaseException | None = None

    def write(self, stem: str, labels: NDArray[np.uint8]) -> None:
        """Hands `labels` (H, W) over to be written as `STEM.png`; the array is copied."""
        self._raise_failure()
        self._places.acquire()
        try:
            job = self._pool.submit(save_palette_png, self._folder / f"{stem}.png", labels.copy())
        except BaseException:
            self._places.release()
            raise
        job.add_done_callback(self._done)

    def flush(self) -> None:
        """Waits for the files so far; raises if one of them could not be written."""
        for _ in range(self._depth):
            self._places.acquire()
        for _ in range(self._depth):
            self._places.release()
        self._raise_failure()

    def close(self) -> None:
        """Waits for all files; raises if one of them could not be written."""
        self._pool.shutdown(wait=True)
        self._raise_failure()

    def _done(self, job: Future[None]) -> None:
        self._failure = self._failure or job.exception()
        self._places.release()

    def _raise_failure(self) -> None:
        if self._failure is not None:
            raise self._failure

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            self.close()
        else:
            # The exception on its way out matters more than a file that could not be written.
            self._pool.shutdown(wait=True)
