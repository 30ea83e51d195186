import pytest
import torch
import torch.nn.functional as F

from vosctl.systems.aggregation import object_argmax
from vosctl.tracking import enlargement
from vosctl.tracking.enlargement import enlarged_argmax


@pytest.mark.parametrize("size", [(97, 160), (30, 41), (13, 7), (1, 1), (400, 27)])
def test_strips_are_what_enlarging_at_once_gives(
    size: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    torch.manual_seed(0)
    maps = torch.rand(4, 13, 27).softmax(0)
    monkeypatch.setattr(enlargement, "_VALUES_AT_ONCE", 4 * size[1] * 5)  # five rows
    whole = object_argmax(F.interpolate(maps[None], size, mode="bilinear", align_corners=False))[0]
    strips = enlarged_argmax(maps, size)
    assert strips.shape == size
    assert (strips != whole).float().mean() < 1e-3  # where two are equal, rounding decides
