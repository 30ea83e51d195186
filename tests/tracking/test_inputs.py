import numpy as np
import pytest
from PIL import Image as Picture

from tests.small import moving_discs, tiny_model
from vosctl.errors import ClipError, MaskError, UsageError
from vosctl.systems.settings import TrackerSettings
from vosctl.tracking.inputs import as_frame, as_labels
from vosctl.tracking.tracker import Tracker

_FRAME = np.zeros((4, 6, 3), np.uint8)


@pytest.mark.parametrize(
    ("frame", "found"),
    [
        (_FRAME.astype(np.float32), r"dtype float32.*multiply values in \[0, 1\] by 255"),
        (_FRAME.astype(np.int64), "dtype int64"),
        (_FRAME[..., 0], r"shape \(4, 6\).*one channel.*repeat a gray frame"),
        (_FRAME[..., :1], r"shape \(4, 6, 1\).*one channel"),
        (np.zeros((4, 6, 4), np.uint8), r"shape \(4, 6, 4\)"),
        (np.zeros((0, 6, 3), np.uint8), r"shape \(0, 6, 3\)"),
        (Picture.new("RGB", (6, 4)), r"is a Image.*numpy\.asarray\(picture\.convert\('RGB'\)\)"),
        ([[1, 2]], "is a list"),
    ],
)
def test_a_frame_of_another_form_is_refused_with_what_was_found(frame: object, found: str) -> None:
    with pytest.raises(ClipError, match=f"frame 3.*{found}"):
        as_frame(frame, 3)


@pytest.mark.parametrize("dtype", [np.uint8, np.int32, np.int64, np.uint16])
def test_ids_of_any_whole_type_are_kept(dtype: type) -> None:
    given = np.array([[0, 7], [254, 0]], dtype)
    labels = as_labels(given, 0, (2, 2))
    assert labels.dtype == np.uint8
    assert labels.tolist() == [[0, 7], [254, 0]]


@pytest.mark.parametrize(
    "given",
    [
        np.array([[0, 255], [255, 0]], np.uint8),
        np.array([[False, True], [True, False]]),
        np.array([[[0], [255]], [[255], [0]]], np.uint8),
        np.array([[0, 1], [1, 0]], np.int64),
    ],
)
def test_black_and_white_is_object_1_and_a_last_dimension_of_1_goes(given: np.ndarray) -> None:
    assert as_labels(given, 0, (2, 2)).tolist() == [[0, 1], [1, 0]]


@pytest.mark.parametrize(
    ("mask", "found"),
    [
        (np.zeros((2, 2), np.float32), "dtype float32.*threshold a soft mask"),
        (np.zeros((2, 2, 3), np.uint8), r"shape \(2, 2, 3\)"),
        (np.array([[0, 300], [0, 1]]), "values from 0 to 300"),
        (np.array([[0, 255], [0, 1]]), "values from 0 to 255"),
        (np.array([[0, -1], [0, 1]]), "values from -1 to 1"),
        (np.zeros((3, 2), np.uint8), "is 2x3, the frame 2x2"),
        (Picture.new("L", (2, 2)), r"is a Image.*numpy\.asarray\(picture\)"),
    ],
)
def test_a_mask_of_another_form_is_refused_with_what_was_found(mask: object, found: str) -> None:
    with pytest.raises(MaskError, match=f"mask for frame 5.*{found}"):
        as_labels(mask, 5, (2, 2))


def test_a_bare_mask_a_size_that_changes_and_a_used_tracker_are_refused() -> None:
    frames, labels = moving_discs(3)
    tracker = Tracker(tiny_model())
    with pytest.raises(MaskError, match=r"a ndarray of shape \(96, 160\).*such as \{0: mask\}"):
        next(tracker.run(frames, labels[0]))  # type: ignore[arg-type]
    tracker = Tracker(tiny_model())
    with pytest.raises(ClipError, match="frame 2 is 150x96, those before 160x96"):
        list(tracker.run([*frames[:2], frames[2][:, :150]], {0: labels[0]}))
    tracker = Tracker(tiny_model())
    list(tracker.run(frames, {0: labels[0]}))
    with pytest.raises(UsageError, match=r"already seen 3 frames.*make a new Tracker.*step\(\)"):
        next(tracker.run(frames, {0: labels[0]}))


def test_step_by_step_the_same_comes_out_as_of_the_whole_clip() -> None:
    frames, labels = moving_discs(11, objects=2)
    first = np.where(labels[0] == 1, 255, 0).astype(np.uint8)[..., None]
    second = np.where(labels[5] == 2, 2, 0).astype(np.int64)
    model = tiny_model()
    whole = list(Tracker(model, TrackerSettings(window=1)).run(frames, {0: first, 5: second}))
    tracker = Tracker(model)
    for index, frame in enumerate(frames):
        result = tracker.step(frame, {0: first, 5: second}.get(index), confidences=True)
        assert (result.index, tracker.position) == (index, index + 1)
        assert np.array_equal(result.labels, whole[index].labels)
        assert len(result.confidences) == len(tracker.object_ids)
    assert tracker.object_ids == (1, 2)
    with pytest.raises(ClipError, match="frame 11 is 160x95"):
        tracker.step(frames[0][:95])
