import pytest

from vosctl.errors import DatasetError
from vosctl.evaluation.datasets import DatasetName, open_dataset

from .small_davis import moving_objects, save_davis, save_frames, save_predictions, save_youtube, stems_of


@pytest.fixture
def davis(tmp_path):
    return save_davis(tmp_path / "DAVIS", {name: moving_objects(3) for name in ("bear", "camel", "dog")})


def test_without_lists_every_folder_is_a_sequence(davis):
    dataset = open_dataset(DatasetName.DAVIS17, davis)
    assert dataset.split == "val"
    assert [sequence.name for sequence in dataset.sequences] == ["bear", "camel", "dog"]
    sequence = dataset.sequences[0]
    assert [path.name for path in sequence.frames] == ["00000.jpg", "00001.jpg", "00002.jpg"]
    assert [path.name for path in sequence.annotations] == ["00000.png", "00001.png", "00002.png"]
    assert not sequence.merge_objects
    assert open_dataset(DatasetName.DAVIS16, davis).sequences[0].merge_objects


def test_lists_choose_by_year_and_split_and_keep_their_order(davis):
    for year, names in (("2016", "dog\n"), ("2017", "dog\nbear\n\n")):
        (davis / "ImageSets" / year).mkdir(parents=True)
        (davis / "ImageSets" / year / "val.txt").write_text(names)
    names = [sequence.name for sequence in open_dataset(DatasetName.DAVIS17, davis).sequences]
    assert names == ["dog", "bear"]
    names = [sequence.name for sequence in open_dataset(DatasetName.DAVIS16, davis).sequences]
    assert names == ["dog"]
    with pytest.raises(DatasetError, match=r"test-dev\.txt: no such split; there are val"):
        open_dataset(DatasetName.DAVIS17, davis, "test-dev")


def test_davis_2016_lists_a_frame_a_line(davis):
    (davis / "ImageSets" / "480p").mkdir(parents=True)
    lines = [f"/JPEGImages/480p/dog/{stem}.jpg /Annotations/480p/dog/{stem}.png" for stem in stems_of(3)]
    (davis / "ImageSets" / "480p" / "val.txt").write_text("\n".join(lines))
    assert [one.name for one in open_dataset(DatasetName.DAVIS16, davis).sequences] == ["dog"]


def test_chosen_sequences(davis):
    dataset = open_dataset(DatasetName.DAVIS17, davis, only=("dog", "bear"))
    assert [sequence.name for sequence in dataset.sequences] == ["dog", "bear"]
    with pytest.raises(DatasetError, match="no sequence camels in this split; did you mean camel"):
        open_dataset(DatasetName.DAVIS17, davis, only=("camels",))


def test_the_root_comes_from_the_environment(davis, monkeypatch):
    monkeypatch.setenv("VOSCTL_DATA", str(davis.parent))
    assert open_dataset(DatasetName.DAVIS16).root == davis
    with pytest.raises(DatasetError, match=r"YouTubeVOS: no such folder \(from \$VOSCTL_DATA\)"):
        open_dataset(DatasetName.YTVOS18)


@pytest.mark.parametrize("name", [DatasetName.DAVIS16, DatasetName.DAVIS17, DatasetName.YTVOS18])
def test_no_root_says_where_to_get_the_data_and_how_to_lay_it_out(name, monkeypatch):
    monkeypatch.delenv("VOSCTL_DATA", raising=False)
    with pytest.raises(DatasetError, match=r"--root or set VOSCTL_DATA.*JPEGImages.*Annotations.*https://"):
        open_dataset(name)


def test_a_root_in_another_layout_is_named(tmp_path, davis):
    with pytest.raises(DatasetError, match="JPEGImages/480p: no such folder"):
        open_dataset(DatasetName.DAVIS17, tmp_path)
    (tmp_path / "JPEGImages").mkdir()
    with pytest.raises(DatasetError, match="Annotations: no such folder"):
        open_dataset(DatasetName.FOLDER, tmp_path)
    with pytest.raises(DatasetError, match=r"nowhere: no such folder \(from --root\)"):
        open_dataset(DatasetName.FOLDER, tmp_path / "nowhere")
    (davis / "JPEGImages/480p/empty").mkdir()
    with pytest.raises(DatasetError, match="empty: no image in it"):
        open_dataset(DatasetName.DAVIS17, davis)


def test_a_folder_of_ones_own_needs_no_480p(tmp_path):
    save_frames(tmp_path / "JPEGImages" / "mine", moving_objects(2), stems_of(2))
    save_predictions(tmp_path / "Annotations" / "mine", moving_objects(2))
    dataset = open_dataset(DatasetName.FOLDER, tmp_path)
    assert [sequence.name for sequence in dataset.sequences] == ["mine"]
    assert dataset.mask_folder(tmp_path / "out", "mine") == tmp_path / "out" / "mine"


def test_youtube(tmp_path):
    dataset = open_dataset(DatasetName.YTVOS18, save_youtube(tmp_path))
    (video,) = dataset.sequences
    assert dataset.split == "valid"
    assert [path.stem for path in video.frames] == stems_of(5, step=5)
    assert video.object_frames == ((1, tuple(stems_of(5, 5))), (2, tuple(stems_of(5, 5)[2:])))
    assert dataset.mask_folder(tmp_path / "out", "v1") == tmp_path / "out" / "Annotations" / "v1"


def test_a_broken_meta_file_is_named(tmp_path):
    save_youtube(tmp_path)
    (tmp_path / "valid" / "meta.json").write_text('{"videos": {"v1": {}}}')
    with pytest.raises(DatasetError, match=r"meta\.json: KeyError\('objects'\)"):
        open_dataset(DatasetName.YTVOS18, tmp_path)
