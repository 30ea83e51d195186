"""Of `containers` and `picture_stream`: what is opened, and how large it may be."""

from fractions import Fraction
from pathlib import Path

import av
import pytest

from tests.media.conftest import MakeVideo
from tests.media.scenes import scene
from vosctl.errors import ClipError
from vosctl.media.clip import open_clip

LISTS = {
    "hls.m3u8": "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\na.ts\n#EXT-X-ENDLIST\n",
    "list.ffconcat": "ffconcat version 1.0\nfile a.ts\n",
    "named.mp4": "ffconcat version 1.0\nfile a.ts\n",
    "s.sdp": "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=video 5004 RTP/AVP 96\n"
    "a=rtpmap:96 H264/90000\n",
}


@pytest.mark.parametrize("name", LISTS)
def test_a_list_of_other_files_is_refused(make_video: MakeVideo, tmp_path: Path, name: str) -> None:
    make_video("a.ts", scene(2))
    (tmp_path / name).write_text(LISTS[name])
    with pytest.raises(ClipError, match=r"playlists and scripts, which name other files, are refused"):
        open_clip(tmp_path / name)


def test_more_pixels_than_allowed_are_refused(make_video: MakeVideo) -> None:
    path = make_video("a.mp4", scene(2))
    with pytest.raises(ClipError, match=r"64x48 pixels.*--max-pixels 3072"):
        open_clip(path, max_pixels=3071)
    assert open_clip(path, max_pixels=3072).info.width == 64


def make_two_streams(path: Path) -> Path:
    with av.open(str(path), "w") as container:
        streams = [container.add_stream("libx264", rate=25) for _ in range(2)]
        for stream, (width, height) in zip(streams, ((32, 16), (64, 48)), strict=True):
            stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        for stream in streams:
            for index, picture in enumerate(scene(3, stream.width, stream.height)):
                frame = av.VideoFrame.from_ndarray(picture)
                frame.pts, frame.time_base = index, Fraction(1, 25)
                container.mux(stream.encode(frame))
            container.mux(stream.encode())
    return path


def test_the_largest_stream_is_taken_and_any_can_be(tmp_path: Path) -> None:
    path = make_two_streams(tmp_path / "two.mkv")
    with open_clip(path) as clip:
        assert (clip.info.width, len(list(clip))) == (64, 3)
        assert clip.info.notes == (
            "video stream 1 of 2 was taken (0: 32x16, 1: 64x48); --stream N takes another",
        )
    with open_clip(path, stream=0) as clip:
        assert {frame.rgb.shape for frame in clip} == {(16, 32, 3)}
    with pytest.raises(ClipError, match="2 video streams, counted from 0; there is no stream 2"):
        open_clip(path, stream=2)
