"""YouTube-VOS' figures of seen and unseen classes, its 2019 edition, and splits of one's own."""

import json

import pytest

from tests.evaluation.small_davis import Counted, moving_objects, save_youtube, stems_of
from tests.evaluation.small_davis import save_labels as save
from vosctl.errors import DatasetError
from vosctl.evaluation.dataset_run import score_masks
from vosctl.evaluation.datasets import DatasetName, open_dataset
from vosctl.evaluation.results import figures_of, read_results, write_results


@pytest.fixture
def root(tmp_path):
    save_youtube(tmp_path / "yt", all_annotated=True)
    train = tmp_path / "yt" / "train"
    train.mkdir()
    objects = {"1": {"category": "ape", "frames": ["00000"]}}
    (train / "meta.json").write_text(json.dumps({"videos": {"t1": {"objects": objects}}}))
    return tmp_path / "yt"


def scored(root, tmp_path, name=DatasetName.YTVOS18):
    """Masks that are right but for the second object, which is one frame late."""
    dataset = open_dataset(name, root)
    maps = moving_objects(5)
    for labels in maps[:2]:
        labels[labels == 2] = 0
    late = [maps[0], *maps[:-1]]
    folder = tmp_path / "made" / "Annotations" / "v1"
    for stem, labels, before in zip(stems_of(5, step=5), maps, late, strict=True):
        mixed = labels.copy()
        mixed[labels == 2] = 0
        mixed[before == 2] = 2
        save(folder / f"{stem}.png", mixed)
    return score_masks(dataset, tmp_path / "made", Counted())


@pytest.mark.parametrize("name", [DatasetName.YTVOS18, DatasetName.YTVOS19])
def test_g_is_the_mean_of_the_four(root, tmp_path, name):
    result = scored(root, tmp_path, name)
    assert [one.seen for one in result.sequences[0].objects] == [True, False]
    figures = figures_of(result)
    assert (figures["J seen"], figures["F seen"]) == (1, 1)
    assert 0.5 < figures["J unseen"] < 1
    four = [figures[f"{measure} {kind}"] for measure in "JF" for kind in ("seen", "unseen")]
    assert figures["G"] == pytest.approx(sum(four) / 4)
    write_results(result, tmp_path / "results.json")
    assert read_results(tmp_path / "results.json") == result


def test_a_list_of_seen_classes_goes_before_the_training_set(root, tmp_path):
    (root / "seen.txt").write_text("cat\nape\n")
    figures = figures_of(scored(root, tmp_path))
    assert "J seen" in figures
    assert "J unseen" not in figures
    assert "G" not in figures


def test_without_known_classes_there_is_no_g(root, tmp_path):
    (root / "train" / "meta.json").unlink()
    figures = figures_of(scored(root, tmp_path))
    assert not {"G", "J seen", "J unseen"} & set(figures)
    assert "J-Mean" in figures


def test_a_split_of_ones_own_is_drawn_from_the_training_set(root):
    (root / "ImageSets").mkdir()
    (root / "ImageSets" / "held-out.txt").write_text("v1\n")
    (root / "train" / "meta.json").unlink()
    (root / "train").rmdir()
    (root / "valid").rename(root / "train")
    dataset = open_dataset(DatasetName.YTVOS18, root, "held-out")
    assert [one.name for one in dataset.sequences] == ["v1"]
    (root / "ImageSets" / "held-out.txt").write_text("v1\nv2\n")
    with pytest.raises(DatasetError, match="v2"):
        open_dataset(DatasetName.YTVOS18, root, "held-out")
