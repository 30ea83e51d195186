import numpy as np
import pytest

from vosctl.media.drawing import draw_overlay
from vosctl.media.palette import PALETTE

from .scenes import scene

RGB = scene(1, width=90, height=70)[0]


def two_objects() -> np.ndarray:
    labels = np.zeros((70, 90), np.uint8)
    labels[10:40, 20:50] = 1
    labels[30:60, 40:80] = 4
    return labels


def test_the_input_is_left_alone_and_the_background_too() -> None:
    rgb, labels = RGB.copy(), two_objects()
    rgb.setflags(write=False)
    labels.setflags(write=False)
    drawn = draw_overlay(rgb, labels)
    assert drawn.shape == rgb.shape
    assert drawn.dtype == np.uint8
    np.testing.assert_array_equal(drawn[labels == 0], rgb[labels == 0])


@pytest.mark.parametrize("opacity", [0.0, 0.3, 0.5, 1.0])
def test_objects_are_blended_with_their_colour(opacity: float) -> None:
    labels = two_objects()
    drawn = draw_overlay(RGB, labels, opacity, contour=False)
    expected = RGB * (1 - opacity) + PALETTE[labels] * opacity
    assert np.abs(drawn.astype(float) - expected)[labels > 0].max() <= 1.5
    if opacity == 0:
        np.testing.assert_array_equal(drawn, RGB)


def test_the_contour_is_the_bright_colour_along_every_border() -> None:
    labels = two_objects()
    drawn = draw_overlay(RGB, labels)
    plain = draw_overlay(RGB, labels, contour=False)
    changed = (drawn != plain).any(axis=2)
    bright = {1: (255, 0, 0), 4: (0, 0, 255)}
    for y, x in np.argwhere(changed):
        assert tuple(drawn[y, x]) == bright[labels[y, x]]
        around = labels[max(y - 1, 0) : y + 2, max(x - 1, 0) : x + 2]
        assert (around != labels[y, x]).any()
    assert changed[10, 20:50].all()  # the top of the first object
    assert changed[29, 40:50].all()  # where the first meets the second
    assert not changed[12:28, 22:38].any()


def test_the_contour_grows_with_the_picture() -> None:
    labels = np.zeros((1080, 40), np.uint8)
    labels[500:600, 5:35] = 1
    rgb = np.zeros((1080, 40, 3), np.uint8)
    line = (draw_overlay(rgb, labels)[550, :, 0] == 255).sum()
    assert line == 6  # three pixels on either side


def test_a_single_pixel_and_an_empty_mask() -> None:
    labels = np.zeros((70, 90), np.uint8)
    np.testing.assert_array_equal(draw_overlay(RGB, labels), RGB)
    labels[0, 89] = 2
    drawn = draw_overlay(RGB, labels)
    assert tuple(drawn[0, 89]) == (0, 255, 0)
    assert (drawn != RGB).any(axis=2).sum() == 1


def test_a_mask_over_the_whole_picture() -> None:
    labels = np.full((70, 90), 3, np.uint8)
    drawn = draw_overlay(RGB, labels, opacity=1)
    assert (drawn[1:-1, 1:-1] == PALETTE[3]).all()


@pytest.mark.parametrize("opacity", [-0.1, 1.1])
def test_opacity_is_a_share(opacity: float) -> None:
    with pytest.raises(ValueError, match="opacity must lie in"):
        draw_overlay(RGB, two_objects(), opacity)
