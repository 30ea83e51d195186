import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from tests.masks.test_contours import holes_filled
from vosctl.masks.contours import outer_contours
from vosctl.masks.polygons import LEAST_IOU, fill, join, polygon_of, simplify

masks = st.tuples(st.integers(1, 14), st.integers(1, 14)).flatmap(lambda size: arrays(np.bool_, size))


def iou(one: np.ndarray, other: np.ndarray) -> float:
    return float((one & other).sum() / max(1, (one | other).sum()))


@settings(max_examples=200, deadline=None)
@given(mask=masks)
def test_one_polygon_covers_all_parts_of_any_mask(mask: np.ndarray) -> None:
    polygon = polygon_of(mask)
    if polygon is None:
        assert not mask.any()
        return
    assert len(polygon) >= 3
    assert iou(fill(polygon, *mask.shape), holes_filled(mask)) >= LEAST_IOU


@settings(max_examples=100, deadline=None)
@given(mask=masks)
def test_joining_encloses_nothing_more(mask: np.ndarray) -> None:
    parts = [contour.astype(float) for contour in outer_contours(mask)]
    if parts:
        np.testing.assert_array_equal(fill(join(parts), *mask.shape), holes_filled(mask))


def test_an_object_behind_a_pole_is_one_simple_polygon() -> None:
    y, x = np.mgrid[:240, :320]
    mask = (np.hypot(x - 160, y - 120) < 90) & (abs(x - 150) > 8)
    polygon = polygon_of(mask)
    assert polygon is not None
    assert iou(fill(polygon, 240, 320), mask) >= 0.98
    corners = sum(len(contour) for contour in outer_contours(mask))
    assert len(polygon) < corners / 4


def test_nearest_parts_are_joined_first() -> None:
    def square(x: float) -> np.ndarray:
        return np.array([(x, 0), (x + 1, 0), (x + 1, 1), (x, 1)], float)

    joined = join([square(0), square(9), square(4)])
    steps = np.hypot(*(joined - np.roll(joined, -1, axis=0)).T)
    assert sorted(steps[steps > 1.5]) == [3, 3, 4, 4]  # 1 to 4 and 5 to 9, there and back


@pytest.mark.parametrize("tolerance", [0.5, 2.0])
def test_simplified_lines_stay_within_the_tolerance(tolerance: float) -> None:
    angles = np.linspace(0, 2 * np.pi, 400, endpoint=False)
    circle = np.stack([50 + 40 * np.cos(angles), 50 + 40 * np.sin(angles)], axis=1)
    simple = simplify(circle, tolerance)
    assert len(simple) < 60
    middles = (simple + np.roll(simple, -1, axis=0)) / 2
    assert 40 - np.hypot(*(middles - 50).T).min() <= tolerance + 0.1
