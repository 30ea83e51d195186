import zipfile

import pytest

from vosctl.errors import OutputError
from vosctl.evaluation.datasets import DatasetName, open_dataset
from vosctl.evaluation.submission import write_submission

from .small_davis import moving_objects, save_davis, save_labels, save_predictions, save_youtube, stems_of


def test_davis_has_sequences_at_the_top_and_masks_alone(tmp_path):
    dataset = open_dataset(DatasetName.DAVIS17, save_davis(tmp_path / "DAVIS", {"a": moving_objects(3)}))
    save_predictions(tmp_path / "out" / "a", moving_objects(3))
    (tmp_path / "out" / "a" / "notes.txt").write_text("not for the server")
    (tmp_path / "out" / "results.json").write_text("{}")
    assert write_submission(dataset, tmp_path / "out", tmp_path / "s.zip") == 3
    with zipfile.ZipFile(tmp_path / "s.zip") as archive:
        assert archive.namelist() == [f"a/{stem}.png" for stem in stems_of(3)]
        assert archive.read("a/00001.png") == (tmp_path / "out/a/00001.png").read_bytes()


def test_youtube_has_them_under_annotations(tmp_path):
    dataset = open_dataset(DatasetName.YTVOS18, save_youtube(tmp_path))
    for stem, labels in zip(stems_of(5, step=5), moving_objects(5), strict=True):
        save_labels(tmp_path / "out" / "Annotations" / "v1" / f"{stem}.png", labels)
    write_submission(dataset, tmp_path / "out", tmp_path / "s.zip")
    with zipfile.ZipFile(tmp_path / "s.zip") as archive:
        assert archive.namelist() == [f"Annotations/v1/{stem}.png" for stem in stems_of(5, step=5)]


def test_a_missing_mask_is_named(tmp_path):
    dataset = open_dataset(DatasetName.DAVIS17, save_davis(tmp_path / "DAVIS", {"a": moving_objects(3)}))
    with pytest.raises(OutputError, match=r"s\.zip: not made, .*a/00000\.png is missing"):
        write_submission(dataset, tmp_path / "out", tmp_path / "s.zip")
    assert not (tmp_path / "s.zip").exists()
