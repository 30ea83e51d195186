"""What all tests share."""

import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

# Tests run in several processes. A thread that waits must leave its core to the others, which OpenMP's do not
# by themselves; it reads this when torch is loaded.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
# xdist gives its processes a terminal's size of 80x24. A console would keep it, whatever a test sets later.
os.environ.pop("COLUMNS", None)
os.environ.pop("LINES", None)

import pytest
import torch

torch.set_num_threads(2)


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real clips beside the checkout; tests that need it are skipped where it is not."""
    folder = Path(__file__).parents[2] / "shared"
    if not (folder / "data" / "davis").is_dir():
        pytest.skip("no real clips beside this checkout")
    return folder


@pytest.fixture(autouse=True)
def denormals() -> Iterator[None]:
    """`vosctl train` has the processor flush them for the rest of its process; tests share one."""
    yield
    torch.set_flush_denormal(False)


@pytest.fixture
def file_limit() -> Callable[[int], AbstractContextManager[None]]:
    """Makes every write beyond so many bytes of a file fail, as on a full disk."""
    resource = pytest.importorskip("resource")

    @contextmanager
    def limit(size: int) -> Iterator[None]:
        before = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
        try:
            yield
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)

    return limit
