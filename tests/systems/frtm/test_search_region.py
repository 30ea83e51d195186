import torch

from tests.small import moving_discs, tiny_model
from vosctl.systems.frtm.search_region import confine, next_extent, search_region
from vosctl.systems.settings import TrackerSettings
from vosctl.tracking.tracker import Tracker


def square(side: int = 4, at: int = 10) -> torch.Tensor:
    prior = torch.zeros(1, 30, 54)
    prior[0, at : at + side, at : at + side] = 1
    return prior


def test_the_region_is_what_the_object_can_reach() -> None:
    """Against the distance from each cell to each, for all sizes of objects at once."""
    generator = torch.Generator().manual_seed(0)
    priors = (torch.rand(40, 30, 54, generator=generator) > 0.998).float() * 0.5
    extents = torch.linspace(0.1, 2000, 40)
    priors[:, 0, 0] = 500  # so that none is lost
    rows, columns = torch.meshgrid(torch.arange(30), torch.arange(54), indexing="ij")
    for prior, extent, region in zip(priors, extents, search_region(priors, extents), strict=True):
        y, x = torch.nonzero(prior, as_tuple=True)
        away = torch.maximum((rows[..., None] - y).abs(), (columns[..., None] - x).abs()).amin(-1)
        assert torch.equal(region, away <= int(0.8 * extent.sqrt() + 6))


def test_what_was_larger_lately_reaches_farther() -> None:
    near, far = (search_region(square(), torch.tensor([extent])) for extent in (16.0, 60.0))
    assert int(far.sum()) > int(near.sum())
    assert far[near].all()


def test_a_lost_object_may_be_anywhere() -> None:
    assert search_region(torch.zeros(1, 30, 54), torch.zeros(1)).all()
    assert search_region(torch.zeros(1, 30, 54), torch.tensor([40.0])).all()
    assert search_region(square(1), torch.tensor([40.0])).all()  # a crumb of it
    assert not search_region(square(3), torch.tensor([40.0])).all()


def test_a_tiny_object_has_a_region_too() -> None:
    prior = 0.05 * square(1)  # a dozen pixels
    region = search_region(prior, prior.sum((1, 2)))
    assert region[0, 10, 10]
    assert not region.all()


def test_objects_have_their_own_regions() -> None:
    priors = torch.cat([square(), square(at=20), torch.zeros(1, 30, 54)])
    extents = torch.tensor([16.0, 16.0, 16.0])
    together = search_region(priors, extents)
    for index in range(3):
        assert torch.equal(together[index], search_region(priors[index, None], extents[index, None])[0])


def test_only_what_is_positive_is_taken_away() -> None:
    region = search_region(square(), torch.tensor([16.0]))
    scores = torch.linspace(-1, 1, 30 * 54).view(1, 1, 30, 54)
    found = confine(scores, region)
    assert torch.equal(found[:, region], scores[:, region])
    assert torch.equal(found[:, ~region], scores[:, ~region].clamp(max=0))


def test_the_extent_forgets_slowly() -> None:
    extent = torch.tensor([100.0])
    assert next_extent(extent, square()).item() == 90.0
    assert next_extent(extent, square(15)).item() == 225.0


def test_something_alike_far_away_is_not_taken_for_the_object() -> None:
    """A twin appears in the second frame, which the target model has no reason to tell from the object."""
    frames, labels = moving_discs(9, size=(480, 96))
    for frame, label in zip(frames[1:], labels[1:], strict=True):
        frame[:, -100:] = frame[:, 160:260]
        assert not label[:, -100:].any()
    found = {}
    for nearby in (True, False):
        settings = TrackerSettings(nearby=nearby)
        results = list(Tracker(tiny_model(), settings).run(frames, {0: labels[0]}))
        found[nearby] = sum(int((r.labels[:, -100:] == 1).sum()) for r in results[1:])
    assert found[False] > 1000
    assert found[True] == 0
