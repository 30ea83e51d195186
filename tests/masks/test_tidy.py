"""Tests masks/tidy.py and masks/parts.py too."""

import numpy as np
import pytest

from vosctl.errors import MaskError, UsageError
from vosctl.masks.parts import dilate, erode, feathered, label_parts
from vosctl.masks.tidy import NO_TIDYING, Tidier, Tidy, parse_ids
from vosctl.masks.writer import LabelledFrame


def tidied(labels: np.ndarray, tidy: Tidy) -> np.ndarray:
    (frame,) = Tidier(tidy).all([LabelledFrame(labels, "0")])
    return frame.labels


def plain_parts(mask: np.ndarray, diagonal: bool) -> int:
    """How many connected parts there are, by flooding."""
    left = {(int(y), int(x)) for y, x in np.argwhere(mask)}
    steps = [(0, 1), (1, 0), (0, -1), (-1, 0)] + ([(1, 1), (1, -1), (-1, 1), (-1, -1)] if diagonal else [])
    count = 0
    while left:
        count += 1
        waiting = [left.pop()]
        while waiting:
            y, x = waiting.pop()
            near = {(y + dy, x + dx) for dy, dx in steps} & left
            left -= near
            waiting += near
    return count


@pytest.mark.parametrize("diagonal", [False, True])
@pytest.mark.parametrize("seed", range(12))
def test_parts_are_those_that_flooding_finds(diagonal: bool, seed: int) -> None:
    mask = np.random.default_rng(seed).random((17, 23)) < 0.2 + 0.06 * seed
    parts = label_parts(mask, diagonal)
    np.testing.assert_array_equal(parts > 0, mask)
    assert parts.max() == plain_parts(mask, diagonal)
    for number in range(1, parts.max() + 1):
        assert plain_parts(parts == number, diagonal) == 1


def test_parts_of_nothing() -> None:
    assert not label_parts(np.zeros((3, 4), bool), True).any()
    assert (label_parts(np.ones((3, 4), bool), False) == 1).all()


def test_growing_is_by_a_disc() -> None:
    mask = np.zeros((31, 41), bool)
    mask[3, 20] = mask[15, 2] = True
    y, x = np.mgrid[:31, :41]
    expected = ((y - 3) ** 2 + (x - 20) ** 2 <= 36) | ((y - 15) ** 2 + (x - 2) ** 2 <= 36)
    np.testing.assert_array_equal(dilate(mask, 6), expected)
    np.testing.assert_array_equal(erode(~mask, 6), ~expected)
    assert erode(np.ones((5, 5), bool), 2).all()  # the picture's edge is no edge of the object
    assert not dilate(np.zeros((5, 5), bool), 2).any()


def test_feathered_edges() -> None:
    mask = np.zeros((40, 60), bool)
    mask[:, :30] = True
    matte = feathered(mask, 4)
    row = matte[20]
    assert (row[:26] == 1).all()
    assert (row[34:] == 0).all()
    assert (np.diff(row) <= 0).all()
    assert abs(row[29] + row[30] - 1) < 1e-6
    assert not feathered(np.zeros((3, 3), bool), 4).any()


LABELS = np.array([[0, 1, 1, 0], [2, 2, 0, 3], [2, 0, 3, 3]], np.uint8)


def test_which_objects_there_are() -> None:
    assert set(np.unique(tidied(LABELS, Tidy(only=(1, 3))))) == {0, 1, 3}
    merged = tidied(LABELS, Tidy(merge=("2,3=2",)))
    np.testing.assert_array_equal(merged == 2, (LABELS == 2) | (LABELS == 3))
    swapped = tidied(LABELS, Tidy(rename=("1=2", "2=1")))
    np.testing.assert_array_equal(swapped == 2, LABELS == 1)
    np.testing.assert_array_equal(swapped == 1, LABELS == 2)
    both = tidied(LABELS, Tidy(only=(1, 2), merge=("1,2=2",), rename=("2=9",)))  # in this order
    np.testing.assert_array_equal(both == 9, (LABELS == 1) | (LABELS == 2))
    with pytest.raises(MaskError, match="has an object 3 already; use --merge 1,3=3"):
        tidied(LABELS, Tidy(rename=("1=3",)))
    assert set(np.unique(tidied(LABELS, Tidy(only=(1,), rename=("1=3",))))) == {0, 3}


def test_names_confidences_and_probabilities_go_with_their_objects() -> None:
    soft = {one: (one == LABELS).astype(np.float32) * np.float32(0.75) for one in (1, 2, 3)}
    frame = LabelledFrame(
        LABELS, "0", names={1: "a", 2: "b", 3: "c"}, soft=soft, confidences={1: 0.5, 2: 0.75}
    )
    (found,) = Tidier(Tidy(only=(2, 3), merge=("2,3=3",), rename=("3=8",))).all([frame])
    assert found.names == {8: "c"}
    assert found.confidences == {8: 0.75}
    assert found.soft is not None
    assert list(found.soft) == [8]
    np.testing.assert_array_equal(found.soft[8], (LABELS > 1) * 0.75)


def test_small_parts_and_holes() -> None:
    labels = np.zeros((20, 20), np.uint8)
    labels[2:12, 2:12] = 5
    labels[5:8, 5:8] = 0  # a hole
    labels[6, 6] = 9  # with something in it
    labels[15, 15] = labels[16, 16] = labels[17, 17] = 5  # three pixels that touch at corners
    np.testing.assert_array_equal(tidied(labels, Tidy(drop_small=3)), np.where(labels == 9, 0, labels))
    dropped = tidied(labels, Tidy(drop_small=4))
    assert not (dropped[13:] > 0).any()
    assert dropped[6, 6] == 0
    assert (tidied(labels, Tidy(fill_holes=True)) == labels).all()  # the hole is not of one object alone
    filled = tidied(labels, Tidy(drop_small=2, fill_holes=True))
    assert (filled[2:12, 2:12] == 5).all()
    ring = np.ones((5, 5), np.uint8)
    ring[2, 2:] = 0  # it reaches the picture's edge
    assert (tidied(ring, Tidy(fill_holes=True)) == ring).all()


def test_edges_move_and_ids_are_exact() -> None:
    labels = np.zeros((30, 40), np.uint8)
    labels[5:15, 5:15] = 200
    labels[5:15, 18:28] = 3
    grown = tidied(labels, Tidy(grow=2))
    assert set(np.unique(grown)) == {0, 3, 200}
    assert (grown[labels > 0] == labels[labels > 0]).all()
    assert grown[8, 16] == 200  # where two meet, the higher id
    assert grown[8, 17] == 3
    shrunk = tidied(labels, Tidy(shrink=2))
    assert (shrunk[7:13, 7:13] == 200).all()
    assert int((shrunk > 0).sum()) == 72
    closed = tidied(labels, Tidy(shrink=2, grow=2))  # shrinks first
    assert int((closed > 0).sum()) < 200


def test_smoothing_over_time() -> None:
    maps = np.zeros((6, 2, 3), np.uint8)
    maps[:, 0, 0] = 4
    maps[2, 0, 0] = 0  # a hole of one frame
    maps[3, 1, 1] = 7  # a speck of one frame
    frames = [LabelledFrame(labels, f"{index}") for index, labels in enumerate(maps)]
    found = list(Tidier(Tidy(smooth_time=3)).all(frames))
    assert [frame.stem for frame in found] == list("012345")
    assert all(frame.labels[0, 0] == 4 for frame in found)
    assert not any(frame.labels[1, 1] for frame in found)
    assert len(list(Tidier(Tidy(smooth_time=9)).all(frames))) == 6


def test_feather_leaves_ids_as_they_are() -> None:
    labels = np.zeros((30, 40), np.uint8)
    labels[5:25, 5:25] = 3
    (frame,) = Tidier(Tidy(feather=3)).all([LabelledFrame(labels, "0")])
    np.testing.assert_array_equal(frame.labels, labels)
    assert 0 < frame.opacity()[15, 26] < 255
    assert frame.matte(3)[15, 15] == 1


@pytest.mark.parametrize(
    "options",
    [
        {"only": (0,)},
        {"merge": ("2=",)},
        {"merge": ("2,300=2",)},
        {"rename": ("1",)},
        {"rename": ("1=255",)},
        {"smooth_time": 4},
    ],
)
def test_options_that_are_none(options: dict) -> None:
    with pytest.raises(UsageError, match="--"):
        Tidy(**options)


def test_options_as_text_and_as_data() -> None:
    tidy = Tidy(parse_ids("1,3"), ("2,3=2",), (), 3, 10, True, 1, 2, 4)
    assert tidy.text == (
        "--only 1,3 --merge 2,3=2 --smooth-time 3 --drop-small 10 --shrink 1 --grow 2 --feather 4 "
        "--fill-holes"
    )
    assert Tidy.of({**vars(tidy), "only": [1, 3], "merge": ["2,3=2"], "rename": []}) == tidy
    assert NO_TIDYING.text == ""
    with pytest.raises(UsageError, match="expected ids such as 1,3"):
        parse_ids("a")
