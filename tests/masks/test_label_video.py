import tempfile
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from tests.media.conftest import MakeVideo
from tests.media.scenes import scene
from vosctl.errors import MaskError, OutputError, VosctlError
from vosctl.masks.label_video import LabelVideoWriter, read_label_video
from vosctl.masks.reading import read_labels
from vosctl.masks.sources import MaskSource
from vosctl.media.palette import save_palette_png

sizes = st.tuples(st.integers(1, 40), st.integers(1, 40))
label_maps = sizes.flatmap(lambda size: arrays(np.uint8, size, elements=st.integers(0, 254)))


@settings(max_examples=40, deadline=None)
@given(labels=label_maps)
def test_any_label_map_survives_both_formats(labels: np.ndarray) -> None:
    with tempfile.TemporaryDirectory() as folder:
        image, video = Path(folder) / "a.png", Path(folder) / "a.mkv"
        save_palette_png(image, labels)
        np.testing.assert_array_equal(read_labels(image, None, {})[0], labels)
        with LabelVideoWriter(video) as writer:
            writer.write(labels)
        (read,) = read_label_video(video)
        np.testing.assert_array_equal(read, labels)


def test_all_values_are_kept_without_a_change_of_range(tmp_path: Path) -> None:
    labels = np.arange(256, dtype=np.uint8).reshape(16, 16)
    with LabelVideoWriter(tmp_path / "a.mkv") as writer:
        for shift in range(5):
            writer.write(np.roll(labels, shift, axis=1))
    for shift, read in enumerate(read_label_video(tmp_path / "a.mkv")):
        assert read.dtype == np.uint8
        np.testing.assert_array_equal(read, np.roll(labels, shift, axis=1))
    assert shift == 4


def test_times_are_kept(tmp_path: Path) -> None:
    times = [Fraction(0), Fraction(1, 10), Fraction(3, 2)]
    with LabelVideoWriter(tmp_path / "a.mkv", rate=Fraction(30)) as writer:
        for time in times:
            writer.write(np.zeros((4, 6), np.uint8), time)
    with av.open(str(tmp_path / "a.mkv")) as container:
        assert [frame.pts * frame.time_base for frame in container.decode(video=0)] == times


def test_an_exception_leaves_nothing(tmp_path: Path) -> None:
    def write() -> None:
        with LabelVideoWriter(tmp_path / "a.mkv") as writer:
            writer.write(np.zeros((4, 6), np.uint8))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write()
    assert not list(tmp_path.iterdir())


def test_a_full_disk(tmp_path: Path, file_limit) -> None:
    generator = np.random.default_rng(0)

    def write() -> None:
        with LabelVideoWriter(tmp_path / "a.mkv") as writer:
            for _ in range(40):
                writer.write(generator.integers(0, 255, (64, 64), np.uint8))

    with file_limit(20_000), pytest.raises(OutputError, match=r"a\.mkv cannot be written"):
        write()
    assert not list(tmp_path.iterdir())


def test_a_video_that_does_not_keep_ids_is_refused(make_video: MakeVideo, tmp_path: Path) -> None:
    with pytest.raises(
        MaskError, match=r"yuv420p video, which does not hold object ids; expected 8-bit gray"
    ):
        next(read_label_video(make_video("a.mp4", scene(2))))
    (tmp_path / "b.mkv").write_bytes(b"nothing" * 100)
    with pytest.raises(MaskError, match=r"b\.mkv is not a video"):
        next(read_label_video(tmp_path / "b.mkv"))


def test_the_shared_label_maps(shared_data: Path) -> None:
    maps = list(read_label_video(shared_data / "data" / "davis" / "train" / "schoolgirls_labels.mkv"))
    assert len(maps) == 80
    assert maps[0].shape == (480, 854)
    assert np.unique(maps[0]).tolist() == [0, 1, 2, 3, 4, 5, 6, 7]


def test_a_video_that_nobody_can_decode_is_no_traceback(tmp_path: Path) -> None:
    path = tmp_path / "labels.mkv"
    with LabelVideoWriter(path) as writer:
        writer.write(np.ones((16, 24), np.uint8))
    data = path.read_bytes()
    path.write_bytes(data.replace(b"V_FFV1", b"V_FFVX").replace(b"FFV1", b"QQQQ"))
    with pytest.raises(VosctlError):
        MaskSource(path)
