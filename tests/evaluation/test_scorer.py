import numpy as np
import pytest

from vosctl.errors import MaskError
from vosctl.evaluation import scorer
from vosctl.evaluation.datasets import DatasetName, open_dataset
from vosctl.evaluation.scorer import score_dataset

from .plain_scorer import plain_f, plain_j
from .small_davis import Counted, moving_objects, save_davis, save_predictions, save_youtube, stems_of


@pytest.fixture
def sequences():
    return {"a": moving_objects(6), "b": moving_objects(40, ids=(1,))}


@pytest.fixture
def dataset(tmp_path, sequences):
    return open_dataset(DatasetName.DAVIS17, save_davis(tmp_path / "DAVIS", sequences))


@pytest.fixture
def results(tmp_path, sequences):
    """Predictions that lag two frames behind; object 2 is lost from the fourth frame on."""
    for name, maps in sequences.items():
        late = [maps[max(index - 2, 0)].copy() for index in range(len(maps))]
        for labels in late[3:]:
            labels[labels == 2] = 0
        save_predictions(tmp_path / "out" / name, late)
    return tmp_path / "out"


def test_values_of_each_object_and_frame_are_those_of_the_plain_form(dataset, results, sequences):
    scores = score_dataset(dataset, results, Counted())
    assert list(scores) == ["a", "b"]
    assert [one.object_id for one in scores["a"]] == [1, 2]
    for name, maps in sequences.items():
        for one in scores[name]:
            assert one.frames == tuple(stems_of(len(maps))[1:-1])
            for index, (j, f) in enumerate(zip(one.j_values, one.f_values, strict=True), start=1):
                prediction = maps[max(index - 2, 0)] == one.object_id
                if one.object_id == 2 and index >= 3:
                    prediction = np.zeros_like(prediction)
                assert abs(j - plain_j(prediction, maps[index] == one.object_id)) < 1e-9
                assert abs(f - plain_f(prediction, maps[index] == one.object_id)) < 1e-9
    assert scores["a"][1].j_values[2:] == (0.0, 0.0)
    assert scores["a"][1].j.recall == 0.5


def test_processes_give_the_same(dataset, results, monkeypatch):
    expected = score_dataset(dataset, results, Counted())
    monkeypatch.setattr(scorer, "_POOL_PAYS_FROM", 0)
    monkeypatch.setattr(scorer, "available_cores", lambda: 2)
    progress = Counted()
    assert score_dataset(dataset, results, progress) == expected
    assert progress.phases == [("scoring", 4 + 38)]
    assert progress.frames == 4 + 38


def test_an_error_in_a_process_names_the_file(dataset, results, monkeypatch):
    (results / "b" / "00020.png").write_bytes(b"")
    monkeypatch.setattr(scorer, "_POOL_PAYS_FROM", 0)
    monkeypatch.setattr(scorer, "available_cores", lambda: 2)
    with pytest.raises(MaskError, match=r"b/00020\.png: cannot be read"):
        score_dataset(dataset, results, Counted())


def test_first_and_last_masks_are_not_needed(dataset, results):
    (results / "a" / "00000.png").unlink()
    (results / "a" / "00005.png").unlink()
    score_dataset(dataset, results, Counted())


def test_a_missing_mask_is_named_and_never_a_zero(dataset, results):
    (results / "a" / "00003.png").unlink()
    with pytest.raises(MaskError, match=r"a/00003\.png: no such file; 1 of the 4 masks of a"):
        score_dataset(dataset, results, Counted())


def test_a_missing_folder_is_named_unless_it_is_skipped(dataset, results):
    (results / "b").rename(results / "c")
    with pytest.raises(MaskError, match=r"out/b: no such folder"):
        score_dataset(dataset, results, Counted())
    assert list(score_dataset(dataset, results, Counted(), skip=frozenset({"b"}))) == ["a"]


def test_youtube_objects_count_from_their_own_start(tmp_path):
    root = save_youtube(tmp_path, split="train", all_annotated=True)
    dataset = open_dataset(DatasetName.YTVOS18, root, "train")
    results = tmp_path / "out"
    (results / "Annotations").mkdir(parents=True)
    (root / "train/Annotations/v1").rename(results / "Annotations/v1")
    (root / "train/Annotations/v1").symlink_to(results / "Annotations/v1")
    one, two = score_dataset(dataset, results, Counted())["v1"]
    assert one.frames == ("00005", "00010", "00015", "00020")
    assert two.frames == ("00015", "00020")
    assert two.j_values == two.f_values == (1.0, 1.0)


def test_a_split_without_annotations_has_no_scores(tmp_path):
    dataset = open_dataset(DatasetName.YTVOS18, save_youtube(tmp_path))
    assert score_dataset(dataset, tmp_path / "out", Counted()) == {"v1": ()}
