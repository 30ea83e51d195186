"""The sound of a clip, carried over into a video that is made from it."""

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
from av.audio.codeccontext import AudioCodecContext
from av.audio.resampler import AudioResampler
from av.audio.stream import AudioStream
from av.container import InputContainer, OutputContainer

# In MP4 and MOV only these play everywhere; Matroska takes all.
_COPIED = {"aac", "mp3", "ac3", "eac3", "alac"}
_AAC_RATES = {8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000}  # samples per second


def _seconds(packet: "av.Packet[AudioStream]") -> Fraction:
    return (packet.dts or 0) * packet.time_base


class AudioTrack:
    """Feeds the first audio stream of `source` into `output`, in step with the video.

    Packets are copied where the container's players know the codec, else the sound is converted to AAC. Sound
    that can be neither copied nor converted is left out, and `note` says so.
    """

    def __init__(self, source: Path, output: OutputContainer, start: Fraction) -> None:
        """Adds a stream to `output`; `start` (seconds) of the source becomes 0."""
        self.note: str | None = None
        self._output = output
        self._start = start
        self._input: InputContainer = av.open(f"file:{source}", "r", metadata_errors="replace")
        self._source = self._input.streams.audio[0]
        self._encoder: AudioStream | None = None
        self._packets: Iterator[av.Packet[AudioStream]] = iter(())
        self._waiting: av.Packet[AudioStream] | None = None
        try:
            self._target = self._add_stream()
        except (ValueError, av.FFmpegError) as error:
            self.note = f"the sound of {source.name} is left out: {error}"
            return
        self._packets = self._input.demux(self._source)

    def _add_stream(self) -> AudioStream:
        context: AudioCodecContext | None = self._source.codec_context
        if context is None:
            raise ValueError("this FFmpeg does not know its codec")
        if "matroska" in self._output.format.name or context.codec.canonical_name in _COPIED:
            return self._output.add_stream_from_template(self._source)
        rate = context.sample_rate if context.sample_rate in _AAC_RATES else 48000
        self._encoder = self._output.add_stream("aac", rate=rate)
        self._encoder.layout = "mono" if context.channels == 1 else "stereo"
        self._resampler = AudioResampler(format="fltp", layout=self._encoder.layout, rate=rate)
        self.note = f"the sound ({context.codec.canonical_name}) was converted to AAC"
        return self._encoder

    def advance(self, until: Fraction | None) -> None:
        """Passes on the sound that begins before `until` (seconds from the start), or all of it if None."""
        while True:
            packet = self._waiting or self._next()
            self._waiting = packet
            if packet is None:
                return
            if until is not None and _seconds(packet) - self._start >= until:
                return
            self._waiting = None
            self._pass_on(packet)

    def finish(self, until: Fraction | None) -> None:
        """Does what `advance` does, and writes what the encoder still holds."""
        self.advance(until)
        if self._encoder is not None:
            for frame in self._resampler.resample(None):
                self._output.mux(self._encoder.encode(frame))
            self._output.mux(self._encoder.encode(None))

    def close(self) -> None:
        """Closes the source."""
        self._input.close()

    def _next(self) -> "av.Packet[AudioStream] | None":
        try:
            for packet in self._packets:
                if packet.dts is not None and packet.size:  # the last one is empty and only flushes
                    return packet
        except (av.FFmpegError, OSError):  # the source breaks off: so does the sound
            self._packets = iter(())
        return None

    def _pass_on(self, packet: "av.Packet[AudioStream]") -> None:
        if self._encoder is None:
            shift = round(self._start / packet.time_base)
            packet.dts = (packet.dts or 0) - shift
            packet.pts = packet.dts if packet.pts is None else packet.pts - shift
            packet.stream = self._target
            self._output.mux(packet)
            return
        try:
            decoded = packet.decode()
        except av.FFmpegError:
            return
        for frame in decoded:
            if frame.pts is not None:
                frame.pts -= round(self._start / (frame.time_base or 1))
            for resampled in self._resampler.resample(frame):
                self._output.mux(self._encoder.encode(resampled))
