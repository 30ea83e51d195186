"""The memory of stored samples against the memory that is a matrix; tests frtm/memory.py too."""

import torch
from torch import Tensor

from vosctl.systems.frtm.memory import first_memory, kind_with, memory_of
from vosctl.systems.frtm.memory_schedule import Rate
from vosctl.systems.frtm.sample_memory import SampleMemory
from vosctl.systems.frtm.target_memory import TargetMemory
from vosctl.systems.frtm.target_model import HIDDEN

SIZE, GRID, CHANNELS, RATE = (37, 50), (5, 7), 6, Rate(0.1, 0.1)


def samples(seed: int, *shape: int) -> tuple[Tensor, Tensor]:
    """Features (..., C, h, w) and labels (..., H, W)."""
    generator = torch.Generator().manual_seed(seed)
    features = torch.rand(*shape, CHANNELS, *GRID, generator=generator, dtype=torch.float64)
    labels = torch.zeros(*shape, *SIZE, dtype=torch.float64)
    labels[..., 5:25, 10:30] = torch.rand(*shape, 20, 20, generator=generator, dtype=torch.float64)
    return features, labels


def w1_of_two() -> Tensor:
    generator = torch.Generator().manual_seed(7)
    return torch.randn(2, HIDDEN, CHANNELS, generator=generator, dtype=torch.float64)


INITIAL = torch.tensor([[0.5, 0.25, 0.25]] * 2, dtype=torch.float64)


def test_with_room_for_all_it_fits_as_the_matrix_does() -> None:
    stored = first_memory(w1_of_two(), *samples(0, 2, 3), INITIAL, size=20)
    matrix = first_memory(w1_of_two(), *samples(0, 2, 3), INITIAL)
    assert isinstance(stored, SampleMemory)
    assert isinstance(matrix, TargetMemory)
    seen = torch.ones(2, 12, dtype=torch.bool)
    seen[1, 3:6] = False  # an object that is lost for a while
    for part in (slice(0, 8), slice(8, 12)):
        features = samples(1, 12)[0][part]
        labels = torch.stack([samples(2, 12)[1], samples(3, 12)[1]])[:, part]
        rates = [RATE] * len(features)
        stored = stored.extended(features, labels, seen[:, part], rates)
        matrix = matrix.extended(features, labels, seen[:, part], rates)
    torch.testing.assert_close(stored.weights.sum(1), torch.ones(2, dtype=torch.float64))
    torch.testing.assert_close(stored.share, matrix.share)
    assert (stored.weights > 0).sum(1).tolist() == [15, 12]
    w2 = torch.zeros(2, 9, HIDDEN, dtype=torch.float64)
    for steps in (1, 5):
        torch.testing.assert_close(stored.refit(w2, steps), matrix.refit(w2, steps), rtol=1e-9, atol=1e-11)


def test_the_sample_of_the_smallest_weight_makes_room() -> None:
    memory = first_memory(w1_of_two()[:1], *samples(0, 1, 3), INITIAL[:1], size=3)
    assert isinstance(memory, SampleMemory)
    kept = memory.samples
    features, labels = samples(1, 2)
    first = memory.extended(features[:1], labels[None, :1], torch.ones(1, 1, dtype=torch.bool), [RATE])
    # Of 0.5, 0.25 and 0.25 the first of the two smallest is dropped; the new one weighs 0.09 beside 0.75.
    expected = torch.tensor([[0.5, 0.09, 0.25]], dtype=torch.float64) / 0.84
    torch.testing.assert_close(first.weights, expected)
    assert torch.equal(first.samples[0, [0, 2]], kept[0, [0, 2]])
    assert torch.equal(memory.samples, kept)  # nothing is changed in place
    both = first.extended(features[1:], labels[None, 1:], torch.ones(1, 1, dtype=torch.bool), [RATE])
    newest = expected[0, 1] / 0.9
    rest = torch.stack([expected[0, 0], newest, expected[0, 2]])  # the new one takes the place of the first
    torch.testing.assert_close(both.weights[0], rest / rest.sum())


def test_the_form_is_known_by_its_parts() -> None:
    stored = first_memory(w1_of_two(), *samples(0, 2, 3), INITIAL, size=4)
    matrix = first_memory(w1_of_two(), *samples(0, 2, 3), INITIAL)
    assert isinstance(memory_of(stored), SampleMemory)
    assert isinstance(memory_of(matrix), TargetMemory)
    assert kind_with({*matrix._fields, "w2", "prior"}) is TargetMemory
    assert kind_with({*stored._fields, "w2", "prior"}) is SampleMemory
