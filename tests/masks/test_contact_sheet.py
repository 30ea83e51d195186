import numpy as np
import pytest

from vosctl.masks.contact_sheet import contact_sheet, draw_frame, spread
from vosctl.masks.writer import LabelledFrame
from vosctl.media.palette import PALETTE


@pytest.mark.parametrize("count", [1, 2, 23, 24, 25, 1000])
def test_spread_has_both_ends_and_no_frame_twice(count: int) -> None:
    chosen = spread(count)
    assert (chosen[0], chosen[-1]) == (0, count - 1)
    assert len(set(chosen)) == len(chosen) == min(count, 24)
    assert max(np.diff(chosen), default=1) - min(np.diff(chosen), default=1) <= 1


def test_tiles_stand_in_rows_of_six() -> None:
    tiles = [(str(n), np.full((20, 30, 3), 50 + n, np.uint8)) for n in range(8)]
    sheet = contact_sheet(tiles)
    assert sheet.shape == (2 * (20 + 14 + 4) + 4, 6 * 34 + 4, 3)
    for n in range(8):
        y, x = 4 + n // 6 * 38, 4 + n % 6 * 34
        assert (sheet[y : y + 20, x : x + 30] == 50 + n).all()
        assert (sheet[y + 20 : y + 34, x : x + 30] > 100).any()  # the caption
    assert (sheet[42:62, 4 + 2 * 34 :] == 32).all()  # nothing after the last


def test_large_pictures_shrink() -> None:
    assert contact_sheet([("a", np.zeros((480, 960, 3), np.uint8))]).shape == (120 + 14 + 8, 240 + 8, 3)


def test_masks_are_drawn_over_the_picture_or_alone() -> None:
    labels = np.zeros((20, 30), np.uint8)
    labels[5:15, 5:15] = 3
    np.testing.assert_array_equal(draw_frame(LabelledFrame(labels, "a")), PALETTE[labels])
    gray = np.full((20, 30, 3), 90, np.uint8)
    drawn = draw_frame(LabelledFrame(labels, "a", rgb=gray))
    assert (drawn[labels == 0] == 90).all()
    assert (drawn[labels == 3] != 90).any(axis=1).all()
