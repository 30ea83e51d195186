"""Where decoding of a video file can begin, by a pass over its packets that decodes nothing."""

from bisect import bisect_right
from dataclasses import dataclass

import av
import av.container
from av.video.stream import VideoStream

# In these codecs a packet of a file is one picture that is shown. In others it may be a field, or hidden.
_ONE_PICTURE_A_PACKET = {"h264", "hevc", "av1", "vp9", "mpeg4", "mjpeg", "ffv1", "prores", "dnxhd", "png"}


@dataclass(frozen=True)
class KeyFrames:
    """The frames of a file by their times, and those among them at which decoding can begin.

    Attributes:
        times: of each frame in the order of display, in ticks of the stream, strictly increasing.
        keys: numbers of the key frames, increasing; the first one is 0.
        seek_times: by the number of a key frame, the ticks that lead a demuxer there: the frame's own time,
            and that of its decoding.
        order: by the time of a frame, how many packets come before its own in the file.
    """

    times: list[int]
    keys: list[int]
    seek_times: dict[int, tuple[int, int]]
    order: dict[int, int]

    @classmethod
    def scan(cls, container: av.container.InputContainer, stream: VideoStream) -> "KeyFrames | None":
        """Reads all packets of the stream.

        Returns:
            None where the packets do not tell the frames' numbers for certain: the codec has packets without
            a picture of their own, a time is missing or there twice, a packet is damaged or hidden, or the
            file does not begin with a key frame.
        """
        context = stream.codec_context
        if context is None or context.codec.canonical_name not in _ONE_PICTURE_A_PACKET:
            return None
        order: dict[int, int] = {}
        keys: list[tuple[int, int]] = []  # time and time of decoding
        latest: int | None = None  # time of the packets so far
        try:
            for packet in container.demux(stream):
                if packet.size == 0:
                    continue
                pts = packet.pts
                if pts is None or pts in order or packet.is_discard or packet.is_corrupt:
                    return None
                if packet.is_keyframe and (latest is None or pts > latest):
                    keys.append((pts, pts if packet.dts is None else packet.dts))
                order[pts] = len(order)
                latest = pts if latest is None else max(latest, pts)
        except (av.FFmpegError, OSError):
            return None
        times = sorted(order)
        if not keys or keys[0][0] != times[0] or order[times[0]] != 0:
            return None
        numbers = {time: number for number, time in enumerate(times)}
        seek_times = {numbers[pts]: (pts, dts) for pts, dts in keys}
        return cls(times, list(seek_times), seek_times, order)

    def before(self, number: int) -> int:
        """Returns the number of the last key frame from which the frame of this number can be decoded."""
        return self.keys[bisect_right(self.keys, number) - 1]
