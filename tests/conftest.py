"""What all tests share."""

from collections.abc import Iterator
from pathlib import Path

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
