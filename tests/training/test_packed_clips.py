from pathlib import Path

import av
import numpy as np
import pytest

from tests.small import moving_discs
from vosctl.errors import ClipError, DatasetError, MaskError, OutputError
from vosctl.training.clips import find_sequences
from vosctl.training.packed_clips import is_packed, unpack_clips
from vosctl.training.pictures import read_image, read_labels


def write_video(path: Path, frames: list[np.ndarray], codec: str, form: str) -> None:
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=24)
        stream.height, stream.width = frames[0].shape[:2]
        stream.pix_fmt = form
        for frame in frames:
            source = "gray" if frame.ndim == 2 else "rgb24"
            container.mux(
                stream.encode(av.VideoFrame.from_ndarray(np.ascontiguousarray(frame), format=source))
            )
        container.mux(stream.encode())


@pytest.fixture
def packed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("VOSCTL_CACHE", str(tmp_path / "cache"))
    folder = tmp_path / "packed"
    folder.mkdir()
    frames, labels = moving_discs(5, objects=2)
    labels[2][:3] = 255
    write_video(folder / "discs.mp4", frames, "libx264", "yuv420p")
    write_video(folder / "discs_labels.mkv", labels, "ffv1", "gray")
    return folder


def test_unpacked_clips_keep_their_labels(packed: Path) -> None:
    assert is_packed(packed)
    frames, labels = moving_discs(5, objects=2)
    (sequence,) = find_sequences(unpack_clips(packed))
    assert sequence.name == "discs"
    for index in (0, 4):
        assert np.array_equal(read_labels(sequence.labels[index]).numpy(), labels[index])
        difference = read_image(sequence.frames[index]).permute(1, 2, 0).numpy() * 255 - frames[index]
        assert np.abs(difference).mean() < 8
    assert (read_labels(sequence.labels[2])[:3] == 255).all()


def test_unpacking_happens_once(packed: Path) -> None:
    target = unpack_clips(packed)
    marker = target / "JPEGImages" / "480p" / "discs" / "00000.jpg"
    marker.write_bytes(b"left alone")
    assert unpack_clips(packed) == target
    assert marker.read_bytes() == b"left alone"


def test_two_processes_may_unpack_at_once(packed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As the processes of one run do: the second to finish uses what the first has made."""
    first = unpack_clips(packed)
    kept = first.with_name("kept")
    first.rename(kept)
    rename = Path.rename

    def other_is_first(partial: Path, target: Path) -> Path:
        rename(kept, target)
        return rename(partial, target)

    monkeypatch.setattr(Path, "rename", other_is_first)
    assert unpack_clips(packed) == first
    assert len(list(first.parent.iterdir())) == 1


def test_broken_clips_are_named_and_leave_nothing(packed: Path) -> None:
    write_video(packed / "discs_labels.mkv", moving_discs(4)[1], "ffv1", "gray")
    with pytest.raises(DatasetError, match=r"discs\.mp4 has 5 frames, discs_labels\.mkv 4 label maps"):
        unpack_clips(packed)
    (packed / "discs.mp4").write_bytes(b"no video")
    with pytest.raises(ClipError, match=r"discs\.mp4 is not a video"):
        unpack_clips(packed)
    write_video(packed / "discs.mp4", moving_discs(4)[0], "libx264", "yuv420p")
    write_video(packed / "discs_labels.mkv", moving_discs(4)[1], "ffv1", "yuv420p")
    with pytest.raises(MaskError, match=r"discs_labels\.mkv is yuv420p video, which does not hold"):
        unpack_clips(packed)
    (packed / "discs.mp4").unlink()
    with pytest.raises(DatasetError, match=r"has no clip discs\.mp4"):
        unpack_clips(packed)
    assert list((packed.parent / "cache").rglob("*.jpg")) == []


def test_a_cache_that_cannot_be_written(packed: Path) -> None:
    (packed.parent / "cache").write_text("a file")
    with pytest.raises(OutputError, match=r"cache.* cannot be written"):
        unpack_clips(packed)
