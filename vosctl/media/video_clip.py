"""Video files as clips, through PyAV (FFmpeg)."""

from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Literal

from vosctl.errors import ClipError, TruncatedClipError
from vosctl.media.containers import open_container
from vosctl.media.decoder import DamageInParallelError, Decoder
from vosctl.media.frame import Clip, Frame
from vosctl.media.frame_maker import FrameMaker
from vosctl.media.limits import MAX_PIXELS
from vosctl.media.picture_stream import picture_stream


class VideoClip(Clip):
    """One video stream of a media file, upright, in the order of display.

    Frames that cannot be decoded in the middle have the picture before in place of their own, so that later
    frames keep their numbers; after the last frame a TruncatedClipError tells which they are.
    """

    def __init__(self, path: Path, stream: int | None = None, max_pixels: int = MAX_PIXELS) -> None:
        """Opens the file and decodes its first picture.

        Args:
            path: of the file.
            stream: number of the video stream, counted from 0; None takes the largest default one.
            max_pixels: how many pixels a frame may have.

        Raises:
            ClipError: it cannot be opened, or holds no picture that can be decoded.
        """
        self._path = path
        self._number = stream
        self._max_pixels = max_pixels
        for _ in self.frames_from(0):  # as far as the first
            return
        raise ClipError(f"{path} holds no picture that can be decoded; check that it plays")

    def __iter__(self) -> Iterator[Frame]:
        return self.frames_from(0)

    def frames_from(self, start: int) -> Iterator[Frame]:
        """Yields the frames from an index on; those before are decoded, which alone is exact.

        Several pictures are decoded at once until data is damaged; then the file is decoded anew, one picture
        after the other, so that the same file always gives the same frames.
        """
        following = start
        try:
            for frame in self._frames(start, parallel=True):
                following = frame.index + 1
                yield frame
        except DamageInParallelError:
            yield from self._frames(following, parallel=False)

    def _frames(self, start: int, parallel: bool) -> Iterator[Frame]:
        maker: FrameMaker | None = None
        count = 0
        with open_container(self._path, self._max_pixels) as container:
            threads: Literal["AUTO", "NONE"] = "AUTO" if parallel else "NONE"
            stream = picture_stream(container, self._path, self._number, self._max_pixels, threads)
            decoder = Decoder(container, stream, is_file=True, parallel=parallel)
            for index, picture in enumerate(decoder.pictures()):
                if maker is None:
                    maker = FrameMaker(self._path, container, stream, picture)
                    self.info = maker.info
                time = maker.time(index, picture)
                count = index + 1
                if index >= start:
                    yield maker.frame(index, picture, time)
            if maker is not None:
                self._end(decoder, count)

    def times(self) -> Iterator[Fraction | None]:
        """Yields the times of all frames, which are decoded and not converted."""
        maker: FrameMaker | None = None
        with open_container(self._path, self._max_pixels) as container:
            stream = picture_stream(container, self._path, self._number, self._max_pixels)
            for index, picture in enumerate(Decoder(container, stream, is_file=True).pictures()):
                maker = maker or FrameMaker(self._path, container, stream, picture)
                yield maker.time(index, picture)

    def _end(self, decoder: Decoder, count: int) -> None:
        """Says what was wrong with the clip, all of whose frames have been yielded.

        Raises:
            TruncatedClipError: it breaks off, or frames are missing in the middle.
        """
        if decoder.doubtful:
            note = f"{decoder.doubtful} frames are decoded from damaged data: look at their masks"
            self.info = replace(self.info, notes=(*self.info.notes, note))
        damage = [f"is damaged: {decoder.gaps}"] if decoder.gaps else []
        if decoder.breaks_off():
            hint = self.info.frame_count_hint
            of_about = f" of about {hint}" if hint and hint > count else ""
            damage.append(f"breaks off after {count}{of_about} frames: the file is incomplete")
        if damage:
            raise TruncatedClipError(f"{self._path} {', and '.join(damage)}; copy or download it again")
