import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from vosctl.masks.contours import outer_contours

masks = st.tuples(st.integers(1, 14), st.integers(1, 14)).flatmap(lambda size: arrays(np.bool_, size))


def filled(contour: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Even-odd at the pixels' centres, edge by edge."""
    y, x = np.mgrid[: shape[0], : shape[1]] + 0.5
    inside = np.zeros(shape, bool)
    for (x0, y0), (x1, y1) in zip(contour, np.roll(contour, -1, axis=0), strict=True):
        if y0 != y1:
            inside ^= (np.minimum(y0, y1) < y) & (y < np.maximum(y0, y1)) & (x > x0)
            assert x0 == x1
    return inside


def area(contour: np.ndarray) -> float:
    x, y = contour.T
    return float((x * np.roll(y, -1) - np.roll(x, -1) * y).sum() / 2)


def holes_filled(mask: np.ndarray) -> np.ndarray:
    """All that background cannot reach from outside; it passes between pixels that touch at a corner."""
    outside = np.pad(np.zeros_like(mask), 1, constant_values=True)
    free = np.pad(~mask, 1, constant_values=True)
    for _ in range(mask.size + 2):
        near = np.pad(outside, 1)
        height, width = outside.shape
        grown = free & np.any(
            [near[dy : dy + height, dx : dx + width] for dy in range(3) for dx in range(3)], axis=0
        )
        if (grown == outside).all():
            break
        outside = grown
    return ~outside[1:-1, 1:-1]


def test_one_pixel_is_a_square_clockwise() -> None:
    (contour,) = outer_contours(np.array([[0, 0, 0], [0, 0, 1]], bool))
    assert contour.tolist() == [[3, 1], [3, 2], [2, 2], [2, 1]]


def test_corners_alone_no_points_on_straight_lines() -> None:
    mask = np.zeros((6, 8), bool)
    mask[1:5, 2:7] = True
    mask[1, 6] = False
    (contour,) = outer_contours(mask)
    assert contour.tolist() == [[6, 1], [6, 2], [7, 2], [7, 5], [2, 5], [2, 1]]


def test_parts_that_touch_at_a_corner_are_apart_and_holes_are_left_out() -> None:
    assert len(outer_contours(np.eye(3, dtype=bool))) == 3
    ring = np.ones((5, 5), bool)
    ring[1:4, 1:4] = False
    ring[2, 2] = True
    assert sorted(area(contour) for contour in outer_contours(ring)) == [1, 25]


def test_nothing() -> None:
    assert outer_contours(np.zeros((3, 3), bool)) == []


@settings(max_examples=200, deadline=None)
@given(mask=masks)
def test_filling_gives_the_mask_with_its_holes_filled(mask: np.ndarray) -> None:
    contours = outer_contours(mask)
    together = np.zeros_like(mask)
    for contour in contours:
        part = filled(contour, mask.shape)
        assert part.sum() == pytest.approx(area(contour))
        together |= part
    np.testing.assert_array_equal(together, holes_filled(mask))
