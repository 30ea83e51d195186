import numpy as np
import pytest

from vosctl.errors import DatasetError, MaskError
from vosctl.evaluation.datasets import DatasetName, open_dataset
from vosctl.evaluation.ground_truth import read_ground_truth

from .small_davis import SIZE, moving_objects, save_davis, save_labels, save_youtube, stems_of


def truth_of(root, maps, name=DatasetName.DAVIS17, palette=True):
    return read_ground_truth(open_dataset(name, save_davis(root, {"a": maps}, palette)).sequences[0])


def test_objects_frames_and_first_mask(tmp_path):
    maps = moving_objects(5)
    truth = truth_of(tmp_path, maps)
    assert truth.starts == {1: 0, 2: 0}
    assert truth.scored == {1: ("00001", "00002", "00003"), 2: ("00001", "00002", "00003")}
    assert list(truth.first_masks()) == [0]
    assert (truth.first_masks()[0] == maps[0]).all()


def test_void_is_background(tmp_path):
    maps = moving_objects(3, ids=(1,))
    maps[0][0, 0] = maps[1][:, 50:] = 255
    truth = truth_of(tmp_path, maps)
    assert truth.object_ids == (1,)
    labels = truth.labels(truth.sequence.annotations[1])
    assert (labels == np.where(maps[1] == 255, 0, maps[1])).all()
    assert (truth.first_masks()[0] <= 1).all()


def test_masks_of_0_and_255_have_one_object(tmp_path):
    maps = moving_objects(3, ids=(255,))
    for name in (DatasetName.DAVIS16, DatasetName.DAVIS17):
        truth = truth_of(tmp_path, maps, name, palette=False)
        assert truth.object_ids == (1,)
        assert (truth.first_masks()[0] == (maps[0] == 255)).all()


def test_davis_2016_merges_objects_but_not_void(tmp_path):
    maps = moving_objects(3, ids=(1, 2))
    maps[1][40:, 40:] = 255
    truth = truth_of(tmp_path, maps, DatasetName.DAVIS16)
    assert truth.object_ids == (1,)
    assert (truth.labels(truth.sequence.annotations[1]) == np.isin(maps[1], (1, 2))).all()


def test_ids_need_not_be_contiguous_and_late_ids_are_background_in_davis(tmp_path):
    maps = moving_objects(4, ids=(3, 7))
    maps[2][40:, 40:] = 5
    truth = truth_of(tmp_path, maps)
    assert truth.object_ids == (3, 7)


def test_predictions_of_0_and_255_where_there_is_one_object(tmp_path):
    truth = truth_of(tmp_path / "one", moving_objects(3, ids=(4,)))
    prediction = moving_objects(1, ids=(255,))[0]
    save_labels(tmp_path / "p.png", prediction, palette=False)
    assert (truth.prediction(tmp_path / "p.png", SIZE) == (prediction // 255 * 4)).all()
    two = truth_of(tmp_path / "two", moving_objects(3))
    with pytest.raises(MaskError, match=r"p\.png: object ids 255, but the annotation of a has 1, 2"):
        two.prediction(tmp_path / "p.png", SIZE)


def test_predictions_under_the_merge_of_davis_2016(tmp_path):
    truth = truth_of(tmp_path, moving_objects(3), DatasetName.DAVIS16)
    for ids in [(1, 2), (255, 255), (9, 255)]:
        prediction = moving_objects(1, ids)[0]
        save_labels(tmp_path / "p.png", prediction)
        assert (truth.prediction(tmp_path / "p.png", SIZE) == (prediction > 0)).all()


def test_a_prediction_with_an_unknown_id_is_an_error(tmp_path):
    truth = truth_of(tmp_path, moving_objects(3, ids=(1, 3)))
    save_labels(tmp_path / "p.png", moving_objects(1, ids=(1, 2))[0])
    with pytest.raises(MaskError, match=r"p\.png: object ids 1, 2, but the annotation of a has 1, 3"):
        truth.prediction(tmp_path / "p.png", SIZE)


def test_a_prediction_of_another_size_is_an_error(tmp_path):
    truth = truth_of(tmp_path, moving_objects(3))
    save_labels(tmp_path / "p.png", np.zeros((24, 32), np.uint8))
    with pytest.raises(MaskError, match=r"p\.png: 32x24, expected 64x48"):
        truth.prediction(tmp_path / "p.png", SIZE)


def test_annotations_must_start_at_the_first_frame_and_hold_an_object(tmp_path):
    root = save_davis(tmp_path, {"a": moving_objects(3)})
    first = root / "Annotations/480p/a/00000.png"
    save_labels(first, np.zeros(SIZE, np.uint8))
    sequence = open_dataset(DatasetName.DAVIS17, root).sequences[0]
    with pytest.raises(DatasetError, match=r"00000\.png: no object in it"):
        read_ground_truth(sequence)
    first.unlink()
    sequence = open_dataset(DatasetName.DAVIS17, root).sequences[0]
    with pytest.raises(DatasetError, match=r"00001\.png: expected 00000\.png"):
        read_ground_truth(sequence)


@pytest.mark.parametrize("count", [1, 2])
def test_first_annotations_alone_give_no_score(tmp_path, count):
    root = save_davis(tmp_path, {"a": moving_objects(6)})
    for stem in stems_of(6)[count:]:
        (root / f"Annotations/480p/a/{stem}.png").unlink()
    assert not read_ground_truth(open_dataset(DatasetName.DAVIS17, root).sequences[0]).scored


def test_youtube_objects_start_where_meta_says(tmp_path):
    truth = read_ground_truth(open_dataset(DatasetName.YTVOS18, save_youtube(tmp_path)).sequences[0])
    assert truth.starts == {1: 0, 2: 2}
    masks = truth.first_masks()
    assert {index: set(np.unique(labels)) for index, labels in masks.items()} == {0: {0, 1}, 2: {0, 2}}
    assert not truth.scored  # its server scores it


def test_youtube_without_meta_starts_at_the_first_appearance(tmp_path):
    save_youtube(tmp_path)
    (tmp_path / "valid" / "meta.json").unlink()
    truth = read_ground_truth(open_dataset(DatasetName.YTVOS18, tmp_path).sequences[0])
    assert truth.starts == {1: 0, 2: 2}


def test_youtube_with_every_frame_annotated_counts_frames_after_the_start(tmp_path):
    root = save_youtube(tmp_path, split="train", all_annotated=True)
    truth = read_ground_truth(open_dataset(DatasetName.YTVOS18, root, "train").sequences[0])
    assert truth.scored == {1: ("00005", "00010", "00015", "00020"), 2: ("00015", "00020")}


def test_a_youtube_object_without_a_mask_is_named(tmp_path):
    save_youtube(tmp_path)
    (tmp_path / "valid/Annotations/v1/00010.png").unlink()
    with pytest.raises(DatasetError, match=r"v1: objects 2 of meta\.json have no mask"):
        read_ground_truth(open_dataset(DatasetName.YTVOS18, tmp_path).sequences[0])


def late_maps():
    """Object 1 throughout; 5 from frame 2 on."""
    maps = moving_objects(6, ids=(1, 5))
    for labels in maps[:2]:
        labels[labels == 5] = 0
    return maps


def test_objects_of_a_folder_may_start_late_and_count_after_their_start(tmp_path):
    truth = truth_of(tmp_path, late_maps(), DatasetName.FOLDER)
    assert truth.starts == {1: 0, 5: 2}
    assert truth.scored == {1: ("00001", "00002", "00003", "00004"), 5: ("00003", "00004")}
    masks = truth.first_masks()
    assert {index: set(np.unique(labels)) for index, labels in masks.items()} == {0: {0, 1}, 2: {0, 5}}
    assert truth_of(tmp_path / "davis", late_maps()).starts == {1: 0}  # as the official tool has it


def test_a_folder_without_late_objects_counts_as_davis_does(tmp_path):
    maps = moving_objects(5)
    folder, davis = (
        truth_of(tmp_path / name, maps, name) for name in (DatasetName.FOLDER, DatasetName.DAVIS17)
    )
    assert (folder.starts, folder.scored) == (davis.starts, davis.scored)


def test_a_folder_whose_first_frame_is_empty(tmp_path):
    maps = [np.zeros(SIZE, np.uint8), *moving_objects(4, ids=(255,))]
    truth = truth_of(tmp_path, maps, DatasetName.FOLDER, palette=False)
    assert truth.starts == {1: 1}
    assert truth.scored == {1: ("00002", "00003")}
    assert (truth.labels(truth.sequence.annotations[1]) == (maps[1] == 255)).all()


def test_a_folder_without_objects_is_named(tmp_path):
    with pytest.raises(DatasetError, match=r"a: no object in any annotation"):
        truth_of(tmp_path, [np.zeros(SIZE, np.uint8)] * 3, DatasetName.FOLDER)
