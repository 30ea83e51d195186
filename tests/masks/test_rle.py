import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from vosctl.masks.rle import counts_by_object, counts_to_text, mask_of_counts, text_to_counts

binary_maps = st.tuples(st.integers(1, 30), st.integers(1, 30)).flatmap(
    lambda size: arrays(np.uint8, size, elements=st.integers(0, 1))
)


def test_counts_run_down_the_columns_background_first() -> None:
    labels = np.array([[0, 1, 1], [2, 1, 0]], np.uint8)  # down the columns: 0 2 1 1 1 0
    counts = counts_by_object(labels)
    assert {i: c.tolist() for i, c in counts.items()} == {1: [2, 3, 1], 2: [1, 1, 4]}
    assert counts_by_object(np.ones((2, 3), np.uint8))[1].tolist() == [0, 6]  # background first, though none
    assert counts_by_object(np.zeros((2, 3), np.uint8)) == {}


@pytest.mark.parametrize(
    ("counts", "text"),
    [
        ([2, 3, 1], "231"),  # one group each: 48 + n
        ([0, 15], "0?"),  # 15 = 01111: the largest in one group, as the fifth bit is the sign
        ([16], "`0"),  # 10000 with "more", then 0
        ([31, 1], "o01"),  # 11111 with "more", then 0
        ([1000], "Xo0"),  # 1000 = 11111 01000: 01000 + more = 40, then 11111 + more = 63, then 0
        ([5, 4, 3, 2], "543N"),  # the fourth as 2 - 4 = -2 = 11110
        ([1, 20, 1, 3, 2], "1d01_O1"),  # 3 - 20 = -17 = ...01111 with more, ...11111; 2 - 1 = 1
    ],
)
def test_texts_worked_out_by_hand(counts: list[int], text: str) -> None:
    assert counts_to_text(np.array(counts)) == text
    assert text_to_counts(text).tolist() == counts


@settings(max_examples=100, deadline=None)
@given(labels=binary_maps)
def test_any_mask_comes_back(labels: np.ndarray) -> None:
    height, width = labels.shape
    for counts in counts_by_object(labels).values():
        text = counts_to_text(counts)
        np.testing.assert_array_equal(mask_of_counts(text_to_counts(text), height, width), labels == 1)
    assert labels.any() == bool(counts_by_object(labels))


@settings(max_examples=60, deadline=None)
@given(labels=binary_maps)
def test_equal_to_pycocotools(labels: np.ndarray) -> None:
    coco = pytest.importorskip("pycocotools.mask")
    for counts in counts_by_object(labels).values():
        theirs = coco.encode(np.asfortranarray(labels))
        assert theirs["counts"].decode() == counts_to_text(counts)


def test_long_runs_equal_pycocotools() -> None:
    coco = pytest.importorskip("pycocotools.mask")
    y, x = np.mgrid[:1080, :1920]
    labels = ((x - 900) ** 2 + (y - 500) ** 2 < 300**2).astype(np.uint8)
    labels[1000:, ::7] = 1
    (counts,) = counts_by_object(labels).values()
    assert coco.encode(np.asfortranarray(labels))["counts"].decode() == counts_to_text(counts)


@pytest.mark.parametrize("text", ["`", "12\x7f", "1 2", "ooooooooooooooooo0", "N", "é", "XXXXXXXXXXX?"])
def test_broken_texts(text: str) -> None:
    with pytest.raises(ValueError, match=r"not COCO|breaks off|out of range|add up"):
        mask_of_counts(text_to_counts(text), 2, 3)


@settings(max_examples=100, deadline=None)
@given(text=st.text(max_size=40) | st.text(alphabet=[chr(c) for c in range(48, 112)], max_size=40))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        counts = text_to_counts(text)
    except ValueError:
        return
    assert (counts >= 0).all()


@pytest.mark.parametrize("counts", [[7], [5], [-1, 7], [1 << 59, 6], []])
def test_counts_that_do_not_fit(counts: list[int]) -> None:
    with pytest.raises(ValueError, match="do not add up to 3x2"):
        mask_of_counts(np.array(counts, np.int64), 2, 3)
