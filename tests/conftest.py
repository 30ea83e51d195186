"""What all tests share."""

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
