"""The count of a GPU's memory, whose own count is imitated."""

import pytest
import torch

from vosctl.compute.device_memory import forget_highest, free_bytes, highest_bytes, peak_of

_DEVICE = torch.device("cuda", 0)


@pytest.fixture
def used(monkeypatch: pytest.MonkeyPatch) -> dict[str, int]:
    """Bytes in use now and at the most; setting "now" is an allocation."""
    count = {"now": 0, "most": 0}
    monkeypatch.setattr(torch.cuda, "memory_allocated", lambda _: count["now"])
    monkeypatch.setattr(torch.cuda, "max_memory_allocated", lambda _: count["most"])
    monkeypatch.setattr(torch.cuda, "reset_peak_memory_stats", lambda _: count.update(most=count["now"]))
    return count


def test_the_peak_of_work_does_not_hide_a_higher_one_before(used: dict[str, int]) -> None:
    forget_highest(_DEVICE)
    used.update(now=100, most=900)

    def work() -> str:
        used.update(most=350)
        return "done"

    assert peak_of(_DEVICE, work) == ("done", 250)
    assert highest_bytes(_DEVICE) == 900
    forget_highest(_DEVICE)  # another clip
    assert highest_bytes(_DEVICE) == 100


def test_what_pytorch_keeps_without_use_is_free(
    used: dict[str, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    used.update(now=30)
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda _: (1000, 5000))
    monkeypatch.setattr(torch.cuda, "memory_reserved", lambda _: 50)
    assert free_bytes(_DEVICE) == 1020
