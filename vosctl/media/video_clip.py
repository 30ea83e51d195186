"""Video files as clips, through PyAV (FFmpeg)."""

from collections.abc import Iterator
from pathlib import Path

from vosctl.errors import ClipError, TruncatedClipError
from vosctl.media.decoder import Decoder, open_container, picture_stream
from vosctl.media.frame import Clip, Frame
from vosctl.media.frame_maker import FrameMaker


class VideoClip(Clip):
    """The first video stream of a media file, upright, in the order of display."""

    def __init__(self, path: Path) -> None:
        self._path = path
        for _ in self.frames_from(0):  # as far as the first
            return
        raise ClipError(f"{path} holds no picture that can be decoded; check that it plays")

    def __iter__(self) -> Iterator[Frame]:
        return self.frames_from(0)

    def frames_from(self, start: int) -> Iterator[Frame]:
        """As of any clip: what comes before is decoded, which alone is exact, but not converted."""
        maker: FrameMaker | None = None
        count = 0
        with open_container(self._path) as container:
            stream = picture_stream(container, self._path)
            decoder = Decoder(container, stream, self._path)
            for index, picture in enumerate(decoder.pictures()):
                if maker is None:
                    maker = FrameMaker(self._path, container, stream, picture)
                    self.info = maker.info
                time = maker.time(index, picture)
                count = index + 1
                if index >= start:
                    yield maker.frame(index, picture, time)
            if count and decoder.breaks_off():
                hint = self.info.frame_count_hint
                of_about = f" of about {hint}" if hint and hint > count else ""
                raise TruncatedClipError(
                    f"{self._path} breaks off after {count}{of_about} frames: the file is incomplete; "
                    "copy or download it again"
                )
