import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vosctl.evaluation.metrics import (
    boundary,
    contour_accuracy,
    contour_radius,
    region_similarity,
    score_objects,
)

from .plain_scorer import plain_boundary, plain_dilation, plain_f, plain_j


def picture(*rows):
    return np.array([[character == "#" for character in row] for row in rows])


def disk(height, width, y, x, radius):
    rows, columns = np.ogrid[:height, :width]
    return (rows - y) ** 2 + (columns - x) ** 2 <= radius**2


def blobs(height, width, seed):
    random = np.random.default_rng(seed)
    mask = np.zeros((height, width), bool)
    for _ in range(random.integers(0, 4)):
        mask |= disk(height, width, *random.uniform((0, 0, 0.5), (height, width, 1 + height / 3)))
    return mask


def adversarial_masks(height, width):
    masks = {
        name: np.zeros((height, width), bool) for name in ("empty", "full", "hole", "frame", "line", "cross")
    }
    masks["full"][:] = True
    masks["hole"][:] = True
    masks["hole"][height // 2, width // 2] = False
    masks["frame"][[0, -1]] = masks["frame"][:, [0, -1]] = True
    masks["line"][height // 3] = True
    masks["cross"][height // 2] = masks["cross"][:, width // 2] = True
    masks["checker"] = np.indices((height, width)).sum(axis=0) % 2 == 0
    masks["last column"] = np.arange(width)[None].repeat(height, 0) == width - 1
    masks["last row"] = np.arange(height)[:, None].repeat(width, 1) == height - 1
    for y, x in [(0, 0), (0, width - 1), (height - 1, 0), (height - 1, width - 1), (height // 2, width // 4)]:
        masks[f"pixel {y},{x}"] = np.zeros((height, width), bool)
        masks[f"pixel {y},{x}"][y, x] = True
    return masks


def test_the_radius_is_the_rounded_up_share_of_the_diagonal():
    assert contour_radius(480, 854) == 8
    assert contour_radius(1080, 1920) == 18
    assert contour_radius(10, 10) == 1
    assert contour_radius(300, 400) == 4  # 0.008 * 500, exactly: not rounded further up


def test_the_boundary_looks_east_south_and_southeast():
    mask = picture(".....", "..#..", ".....")
    assert (boundary(mask) == picture(".##..", ".##..", ".....")).all()


def test_the_boundary_at_the_last_row_and_column():
    assert (boundary(picture("...", "..#", "...")) == picture(".##", ".##", "...")).all()
    assert (boundary(picture("...", "...", ".#.")) == picture("...", "##.", "##.")).all()
    assert (boundary(picture("...", "...", "..#")) == picture("...", ".##", ".#.")).all()
    assert not boundary(picture("###", "###", "###")).any()


def test_j_of_hand_computed_masks():
    assert region_similarity(picture("##..", "##.."), picture(".##.", ".##.")) == 1 / 3
    assert region_similarity(picture("##.."), picture("..##")) == 0.0
    assert region_similarity(picture("...."), picture("....")) == 1.0
    assert region_similarity(picture("...."), picture("#...")) == 0.0


def test_f_of_hand_computed_masks():
    """10x10: radius 1. A pixel has four boundary pixels, a 2x2 block; a shift by two leaves no overlap."""
    mask, one, two, three = (np.zeros((10, 10), bool) for _ in range(4))
    mask[5, 3] = one[5, 4] = two[5, 5] = three[5, 6] = True
    assert contour_accuracy(mask, mask) == 1.0
    assert contour_accuracy(one, mask) == 1.0  # each boundary column lies within one pixel of the other's
    assert contour_accuracy(two, mask) == 0.5  # columns 4, 5 against 2, 3: the inner of each is found
    assert contour_accuracy(three, mask) == 0.0
    tall = np.zeros((10, 10), bool)
    tall[3:6, 3] = (
        True  # 8 boundary pixels (rows 2..5, columns 2..3), of which rows 3..5 lie near the pixel's
    )
    assert contour_accuracy(tall, mask) == 2 * 0.75 * 1.0 / 1.75


def test_f_of_empty_boundaries():
    empty, full, pixel = np.zeros((9, 7), bool), np.ones((9, 7), bool), np.zeros((9, 7), bool)
    pixel[4, 4] = True
    assert contour_accuracy(empty, empty) == 1.0
    assert contour_accuracy(pixel, empty) == 0.0
    assert contour_accuracy(empty, pixel) == 0.0
    assert contour_accuracy(full, empty) == 1.0  # neither has a boundary; J says what is wrong
    assert region_similarity(full, empty) == 0.0


def test_labels_are_scored_per_object_in_the_order_that_was_asked_for():
    annotation = np.zeros((20, 30), np.uint8)
    annotation[2:6, 2:6], annotation[10:14, 10:14] = 1, 7
    prediction = annotation.copy()
    prediction[10:14, 12:14] = 0
    region, contour = score_objects(prediction, annotation, (7, 1, 3))
    assert region == [0.5, 1.0, 1.0]
    assert contour[0] < 1.0
    assert contour[1:] == [1.0, 1.0]


@pytest.mark.parametrize("size", [(24, 40), (41, 17), (1, 23), (23, 1), (1, 1), (150, 131)])
def test_equal_to_the_plain_form_on_adversarial_masks(size):
    """All pairs, through the crop; at 150x131 the disk has a radius of 2."""
    masks = adversarial_masks(*size)
    boundaries = {mask.tobytes(): plain_boundary(mask) for mask in masks.values()}
    dilations = {key: plain_dilation(edge, contour_radius(*size)) for key, edge in boundaries.items()}
    for found_name, found in masks.items():
        for wanted_name, wanted in masks.items():
            (region,), (contour,) = score_objects(found.astype(np.uint8), wanted.astype(np.uint8), (1,))
            edges = boundaries[found.tobytes()], boundaries[wanted.tobytes()]
            counts = edges[0].sum(), edges[1].sum()
            if 0 in counts:
                expected = float(counts[0] == counts[1])
            else:
                precision = (edges[0] * dilations[wanted.tobytes()]).sum() / counts[0]
                recall = (edges[1] * dilations[found.tobytes()]).sum() / counts[1]
                expected = 2 * precision * recall / (precision + recall) if precision + recall else 0.0
            assert abs(contour - expected) < 1e-9, (found_name, wanted_name)
            assert abs(region - plain_j(found, wanted)) < 1e-9, (found_name, wanted_name)


@settings(max_examples=60, deadline=None)
@given(
    st.integers(1, 70),
    st.integers(1, 70),
    st.integers(0, 2**32 - 1),
    st.sampled_from([0.002, 0.05, 0.5, 0.98, None]),
)
def test_equal_to_the_plain_form_on_random_masks(height, width, seed, density):
    random = np.random.default_rng(seed)
    if density is None:
        found, wanted = blobs(height, width, seed), blobs(height, width, seed + 1)
    else:
        found, wanted = random.random((2, height, width)) < density
    (region,), (contour,) = score_objects(found.astype(np.uint8), wanted.astype(np.uint8), (1,))
    assert abs(region - plain_j(found, wanted)) < 1e-9
    assert abs(contour - plain_f(found, wanted)) < 1e-9


def quick_plain_boundary(mask):
    """The rule of `plain_boundary`, by shifts of bools, so that it is dilations that are compared."""
    extended = np.pad(mask, ((0, 1), (0, 1)), mode="edge")
    diagonal = mask != extended[1:, 1:]
    diagonal[-1] = diagonal[:, -1] = False
    return (mask != extended[1:, :-1]) | (mask != extended[:-1, 1:]) | diagonal


def quickest(action):
    times = []
    for _ in range(3):
        start = time.perf_counter()
        action()
        times.append(time.perf_counter() - start)
    return min(times)


@pytest.mark.parametrize(
    ("found", "wanted"),
    [
        (disk(480, 854, 240, 300, 100), disk(480, 854, 245, 310, 96)),
        (disk(480, 854, 100, 800, 130), disk(480, 854, 110, 780, 130)),
        (disk(480, 854, 240, 400, 420), disk(480, 854, 240, 430, 420)),  # nothing to crop
    ],
)
def test_equal_and_at_least_five_times_as_fast_at_the_size_of_davis(found, wanted):
    labels = found.astype(np.uint8), wanted.astype(np.uint8)
    (region,), (contour,) = score_objects(*labels, (1,))
    assert region == pytest.approx(plain_j(found, wanted), abs=1e-9)
    assert contour == pytest.approx(plain_f(found, wanted, boundary=quick_plain_boundary), abs=1e-9)
    quick = quickest(lambda: score_objects(*labels, (1,)))
    plain = quickest(lambda: plain_f(found, wanted, boundary=quick_plain_boundary))
    assert quick * 5 < plain
