"""Of `video_writer`, `video_file` and `audio_track`.

Tests media/audio_track.py and media/video_file.py too.
"""

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from vosctl.errors import OutputError, TruncatedClipError
from vosctl.media import video_writer
from vosctl.media.audio_track import AudioTrack
from vosctl.media.clip import ClipInfo, open_clip
from vosctl.media.video_writer import VideoWriter

from .conftest import MakeVideo
from .scenes import scene


def info_of(path: Path = Path("none"), width: int = 64, height: int = 48, **other) -> ClipInfo:
    return ClipInfo(
        path, width, height, None, rate=other.pop("rate", None), has_audio=False, is_folder=True, **other
    )


def copy(source: Path, target: Path) -> VideoWriter:
    with open_clip(source) as clip, VideoWriter(target, clip.info) as writer:
        for frame in clip:
            writer.write(frame.rgb, frame.time)
    return writer


def times_of(path: Path) -> list[Fraction | None]:
    return [frame.time for frame in open_clip(path)]


def sound_packets(path: Path) -> Iterator[tuple[Fraction, bytes]]:
    with av.open(str(path)) as container:
        for packet in container.demux(audio=0):
            if packet.size:
                yield packet.pts * packet.time_base, bytes(packet)


def test_plays_everywhere(tmp_path: Path) -> None:
    pictures = scene(6)
    with VideoWriter(tmp_path / "a.mp4", info_of(rate=Fraction(10))) as writer:
        for picture in pictures:
            writer.write(picture)
    with av.open(str(tmp_path / "a.mp4")) as container:
        stream = container.streams.video[0]
        context = stream.codec_context
        assert (context.name, context.pix_fmt) == ("h264", "yuv420p")
        assert (context.colorspace, context.color_primaries, context.color_trc, context.color_range) == (
            1,
            1,
            1,
            1,
        )
        assert stream.average_rate == 10
    data = (tmp_path / "a.mp4").read_bytes()
    assert data.index(b"moov") < data.index(b"mdat")  # plays while it loads
    frames = list(open_clip(tmp_path / "a.mp4"))
    assert [f.time for f in frames] == [Fraction(i, 10) for i in range(6)]
    for frame, picture in zip(frames, pictures, strict=True):
        assert np.abs(frame.rgb.astype(int) - picture).mean() < 5
    assert list(tmp_path.iterdir()) == [tmp_path / "a.mp4"]


@pytest.mark.parametrize("colour", [(190, 60, 40), (20, 200, 90), (255, 255, 255), (0, 0, 0)])
def test_colours_are_kept(tmp_path: Path, colour: tuple[int, int, int]) -> None:
    with VideoWriter(tmp_path / "a.mp4", info_of()) as writer:
        writer.write(np.full((48, 64, 3), colour, np.uint8))
    (frame,) = open_clip(tmp_path / "a.mp4")
    assert np.abs(frame.rgb.astype(int) - colour).max() <= 4


@pytest.mark.parametrize("suffix", [".mp4", ".mov", ".mkv"])
def test_odd_sizes_are_padded_with_their_edge(tmp_path: Path, suffix: str) -> None:
    picture = np.zeros((37, 53, 3), np.uint8)
    picture[-4:] = picture[:, -4:] = 200
    with VideoWriter(tmp_path / f"a{suffix}", info_of(width=53, height=37)) as writer:
        writer.write(picture)
    (frame,) = open_clip(tmp_path / f"a{suffix}")
    assert frame.rgb.shape == (38, 54, 3)
    assert frame.rgb[-1].min() > 180
    assert frame.rgb[:, -1].min() > 180
    assert frame.rgb[:30, :45].max() < 30


@pytest.mark.parametrize("suffix", [".mp4", ".mov", ".mkv"])
def test_variable_times_survive(make_video: MakeVideo, tmp_path: Path, suffix: str) -> None:
    times = [Fraction(n, 1000) for n in (0, 33, 70, 500, 511, 900, 2000, 2001, 2400)]
    copy(make_video("source.mp4", scene(9), times=times), tmp_path / f"copy{suffix}")
    assert times_of(tmp_path / f"copy{suffix}") == times


def test_a_clip_that_does_not_begin_at_zero_does_afterwards(make_video: MakeVideo, tmp_path: Path) -> None:
    times = [5 + Fraction(i, 25) for i in range(5)]
    source = make_video("source.ts", scene(5), times=times)
    assert times_of(source)[0] >= 5
    copy(source, tmp_path / "copy.mp4")
    assert times_of(tmp_path / "copy.mp4") == [Fraction(i, 25) for i in range(5)]


def test_pictures_that_begin_after_the_sound_still_do_afterwards(
    make_video: MakeVideo, tmp_path: Path
) -> None:
    times = [1 + Fraction(i, 25) for i in range(5)]
    copy(make_video("source.mp4", scene(5), times=times, sound=Fraction(2)), tmp_path / "copy.mp4")
    assert times_of(tmp_path / "copy.mp4") == times


def test_pictures_without_times_and_times_that_stand_still(tmp_path: Path) -> None:
    with VideoWriter(tmp_path / "a.mp4", info_of(), rate=Fraction(30000, 1001)) as writer:
        for picture in scene(3):
            writer.write(picture)
    assert times_of(tmp_path / "a.mp4") == [Fraction(1001 * i, 30000) for i in range(3)]
    with VideoWriter(tmp_path / "b.mp4", info_of()) as writer:
        for picture in scene(3):
            writer.write(picture, Fraction(1, 2))
    times = times_of(tmp_path / "b.mp4")
    assert times == sorted(set(times))


def test_pixels_that_are_not_square(make_video: MakeVideo, tmp_path: Path) -> None:
    copy(make_video("source.mp4", scene(2), pixel_aspect=Fraction(4, 3)), tmp_path / "copy.mp4")
    assert open_clip(tmp_path / "copy.mp4").info.pixel_aspect == Fraction(4, 3)


@pytest.mark.parametrize("suffix", [".mp4", ".mov", ".mkv"])
def test_sound_is_copied_bit_by_bit(make_video: MakeVideo, tmp_path: Path, suffix: str) -> None:
    source = make_video("source.mp4", scene(25), sound=Fraction(1))
    target = tmp_path / f"copy{suffix}"
    writer = copy(source, target)
    assert writer.note is None
    before, after = list(sound_packets(source)), list(sound_packets(target))
    assert [data for _, data in after] == [data for _, data in before]
    assert len(times_of(target)) == 25
    # Matroska knows no times below 0: pictures and sound are late by the length of AAC's first packet.
    late = times_of(target)[0]
    for (old, _), (new, _) in zip(before, after, strict=True):
        assert abs(old + late - new) <= Fraction(1, 1000)


def test_sound_of_a_broadcast_stream_can_be_copied_into_mp4(make_video: MakeVideo, tmp_path: Path) -> None:
    source = make_video("source.ts", scene(25), sound=Fraction(1))  # AAC with a header in every packet
    assert copy(source, tmp_path / "copy.mp4").note is None
    with av.open(str(tmp_path / "copy.mp4")) as container:
        assert sum(f.samples for f in container.decode(audio=0)) >= 44100


def test_sound_that_cannot_be_kept_is_left_out(make_video: MakeVideo, tmp_path: Path, monkeypatch) -> None:
    def refuse(self: AudioTrack) -> None:
        raise ValueError("no such codec")

    monkeypatch.setattr(AudioTrack, "_add_stream", refuse)
    source = make_video("source.mp4", scene(5), sound=Fraction(1, 5))
    writer = copy(source, tmp_path / "copy.mp4")
    assert writer.note == "the sound of source.mp4 is left out: no such codec"
    assert not open_clip(tmp_path / "copy.mp4").info.has_audio
    assert len(times_of(tmp_path / "copy.mp4")) == 5


def test_sound_that_mp4_players_do_not_know_becomes_aac(make_video: MakeVideo, tmp_path: Path) -> None:
    source = make_video("source.mkv", scene(25), sound=Fraction(1), sound_codec="pcm_s16le")
    writer = copy(source, tmp_path / "copy.mp4")
    assert writer.note == "the sound (pcm_s16le) was converted to AAC"
    with av.open(str(tmp_path / "copy.mp4")) as container:
        assert container.streams.audio[0].codec_context.name == "aac"
        samples = np.concatenate([f.to_ndarray()[0] for f in container.decode(audio=0)])
    assert 44100 <= len(samples) < 44100 + 4096
    spectrum = np.abs(np.fft.rfft(samples[8000:40000]))
    assert abs(spectrum.argmax() * 44100 / 32000 - 440) < 2
    assert 0.2 < np.abs(samples).max() < 0.6


def test_an_interrupt_leaves_a_playable_file_with_the_sound_so_far(
    make_video: MakeVideo, tmp_path: Path
) -> None:
    source = make_video("source.mp4", scene(50), sound=Fraction(2))

    def draw(error: BaseException) -> None:
        clip = open_clip(source)
        with VideoWriter(tmp_path / "copy.mp4", clip.info) as writer:
            for frame in clip:
                writer.write(frame.rgb, frame.time)
                if frame.index == 19:
                    raise error

    for error in (KeyboardInterrupt(), TruncatedClipError("broken")):
        with pytest.raises(type(error)):
            draw(error)
        assert times_of(tmp_path / "copy.mp4") == [Fraction(i, 25) for i in range(20)]
        last, _ = list(sound_packets(tmp_path / "copy.mp4"))[-1]
        assert Fraction(7, 10) < last < Fraction(8, 10)
    (tmp_path / "copy.mp4").unlink()
    with pytest.raises(ValueError, match="other"):
        draw(ValueError("other"))
    assert list(tmp_path.iterdir()) == [source]


def test_an_interrupt_before_the_first_picture_leaves_nothing(tmp_path: Path) -> None:
    def draw() -> None:
        with VideoWriter(tmp_path / "a.mp4", info_of()):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        draw()
    assert not list(tmp_path.iterdir())


def test_what_was_there_stays_until_the_end(tmp_path: Path) -> None:
    (tmp_path / "a.mp4").write_bytes(b"old")
    with VideoWriter(tmp_path / "a.mp4", info_of()) as writer:
        writer.write(scene(1)[0])
        assert (tmp_path / "a.mp4").read_bytes() == b"old"
    assert len(times_of(tmp_path / "a.mp4")) == 1


@pytest.mark.parametrize("name", ["a.avi", "a", "a.png"])
def test_an_unknown_suffix(tmp_path: Path, name: str) -> None:
    with pytest.raises(OutputError, match=r"expected one of \.mp4, \.mov, \.mkv"):
        VideoWriter(tmp_path / name, info_of())


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="folder does not exist; create it first"):
        VideoWriter(tmp_path / "missing" / "a.mp4", info_of())


@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_a_full_disk(tmp_path: Path, file_limit, suffix: str) -> None:
    generator = np.random.default_rng(0)

    def draw() -> None:
        with VideoWriter(tmp_path / f"a{suffix}", info_of()) as writer:
            for _ in range(60):
                writer.write(generator.integers(0, 255, (48, 64, 3), np.uint8))

    with file_limit(60_000), pytest.raises(OutputError, match=rf"a\{suffix} cannot be written"):
        draw()
    assert not list(tmp_path.iterdir())


def test_without_x264_the_next_best_encoder_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(video_writer, "_ENCODERS", ("no-such-encoder", "mpeg4"))
    copy_of = tmp_path / "a.mp4"
    with VideoWriter(copy_of, info_of()) as writer:
        for picture in scene(3):
            writer.write(picture)
    assert times_of(copy_of) == [Fraction(i, 25) for i in range(3)]
    monkeypatch.setattr(video_writer, "_ENCODERS", ("no-such-encoder",))
    with pytest.raises(OutputError, match="has none of the encoders no-such-encoder"):
        VideoWriter(copy_of, info_of())
