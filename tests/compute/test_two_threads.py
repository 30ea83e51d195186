import time

import pytest
import torch

from vosctl.compute.two_threads import apart, halves, in_halves

CPU = torch.device("cpu")


@pytest.mark.parametrize("count", [2, 3, 8])
def test_every_item_once_in_order_by_threads_with_half_the_cores(count: int) -> None:
    before = torch.get_num_threads()  # 2: see conftest.py

    def work(part: slice) -> tuple[list[int], int, bool]:
        return list(range(count))[part], torch.get_num_threads(), torch.is_inference_mode_enabled()

    with torch.inference_mode():
        results = in_halves(work, count, CPU)
    assert [item for items, *_ in results for item in items] == list(range(count))
    assert [rest for _, *rest in results] == [[before // 2, True]] * 2
    assert torch.get_num_threads() == before


@pytest.mark.parametrize(("count", "device"), [(1, "cpu"), (4, "meta")])
def test_what_cannot_be_divided_is_done_here(count: int, device: str) -> None:
    with torch.no_grad():
        assert halves(count, torch.device(device)) == 1
        assert in_halves(lambda part: part, count, torch.device(device)) == [slice(0, count)]


def test_training_is_not_divided() -> None:
    assert halves(4, CPU) == 1


@pytest.mark.parametrize("fails", [0, 2])
def test_an_error_of_a_half_arrives_when_both_have_ended(fails: int) -> None:
    ended = []

    def work(part: slice) -> None:
        if part.start == fails:
            raise ValueError("a half")
        time.sleep(0.1)
        ended.append(part.start)

    with torch.no_grad(), pytest.raises(ValueError, match="a half"):
        in_halves(work, 4, CPU)
    assert len(ended) == 1


def test_between_halves_a_thread_keeps_to_its_cores() -> None:
    before = torch.get_num_threads()
    with torch.inference_mode():
        with apart(4, CPU):
            assert torch.get_num_threads() == before // 2
            assert len(in_halves(lambda part: part, 4, CPU)) == 2
            assert torch.get_num_threads() == before // 2
        assert torch.get_num_threads() == before
        with apart(1, CPU):  # one item is worked on by all of them
            assert torch.get_num_threads() == before
