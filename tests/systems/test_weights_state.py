from pathlib import Path

import pytest
import torch
from torch import Tensor

from vosctl.errors import WeightsError
from vosctl.systems.weights_file import read_weights, write_weights
from vosctl.systems.weights_state import checked_state, is_finite


def written(path: Path, state: dict[str, Tensor]) -> Path:
    torch.save({"format": 1, "architecture": "frtm-rn18", "options": {}, "state": state}, path)
    return path


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
@pytest.mark.parametrize("wrong", [float("nan"), -float("nan"), float("inf"), -float("inf")])
def test_one_number_that_is_not_finite_is_found(dtype: torch.dtype, wrong: float) -> None:
    finite = torch.full((3, 5), torch.finfo(dtype).max, dtype=dtype)
    finite[0] = torch.finfo(dtype).min
    assert is_finite(finite)
    assert is_finite(finite.t())
    finite[1, 2] = wrong
    assert not is_finite(finite)


def test_the_file_and_the_tensor_are_named(tmp_path: Path) -> None:
    good = torch.ones(3)
    for state, message in (
        ({"refinement.w": torch.tensor([1, float("nan")])}, "'refinement.w' holds NaN or infinite"),
        ({"bn.running_var": torch.tensor([-1.0])}, "'bn.running_var' holds negative variances"),
        ({"bn.running_var": torch.tensor([float("nan")])}, "'bn.running_var' holds NaN"),
        ({"w": good.to_sparse()}, "'w' is no plain tensor"),
        ({"w": torch.ones(1).expand(1 << 20, 1 << 10)}, "'w' is larger than the file"),
        ({"w": 3}, "'w' is a int, expected tensors by name"),
    ):
        with pytest.raises(WeightsError, match=f"m.pt: {message}"):
            read_weights(written(tmp_path / "m.pt", {"good": good, **state}))  # type: ignore[dict-item]


def test_a_file_cannot_hide_the_methods_of_its_tensors(tmp_path: Path) -> None:
    (tmp_path / "m.pt").write_bytes(bytes(100))
    tensor = torch.ones(2)
    tensor.float = 5  # type: ignore[method-assign, assignment]
    assert torch.equal(checked_state({"w": tensor}, tmp_path / "m.pt")["w"].float(), torch.ones(2))


def test_what_half_precision_cannot_hold_is_written_in_float32(tmp_path: Path) -> None:
    """The first layer's variance of a backbone that sees pixels from 0 to 255 was written as infinite."""
    write_weights(tmp_path / "m.pt", "frtm-rn18", {"bn.running_var": torch.tensor([83614.0, 1.0])}, {})
    assert read_weights(tmp_path / "m.pt").state["bn.running_var"].tolist() == [83614.0, 1.0]
