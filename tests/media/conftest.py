"""Small clips with known pictures, made on the spot."""

from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

MakeVideo = Callable[..., Path]


def _tone(seconds: Fraction, rate: int = 44100) -> np.ndarray:
    moments = np.arange(int(seconds * rate)) / rate
    return (0.4 * np.sin(2 * np.pi * 440 * moments)).astype(np.float32)


@pytest.fixture
def make_video(tmp_path: Path) -> MakeVideo:
    def make(
        name: str,
        pictures: Sequence[np.ndarray | av.VideoFrame],
        *,
        times: Sequence[Fraction] | None = None,
        rate: int = 25,
        codec: str = "libx264",
        pix_fmt: str = "yuv420p",
        options: dict[str, str] | None = None,
        colorspace: int | None = None,
        color_range: int | None = None,
        sound: Fraction | None = None,
        sound_codec: str = "aac",
        faststart: bool = True,
        pixel_aspect: Fraction | None = None,
    ) -> Path:
        path = tmp_path / name
        muxer = {"movflags": "+faststart"} if faststart and path.suffix == ".mp4" else {}
        clock = Fraction(1, 90000)
        with av.open(str(path), "w", container_options=muxer) as container:
            default = {"crf": "8", "preset": "ultrafast"} if codec == "libx264" else {}
            stream = container.add_stream(codec, rate=rate, options=options or default)
            height, width = (
                (pictures[0].height, pictures[0].width)
                if isinstance(pictures[0], av.VideoFrame)
                else pictures[0].shape[:2]
            )
            stream.width, stream.height, stream.pix_fmt = width, height, pix_fmt
            if colorspace is not None:
                stream.codec_context.colorspace = colorspace
            if color_range is not None:
                stream.codec_context.color_range = color_range
            if pixel_aspect is not None:
                stream.codec_context.sample_aspect_ratio = pixel_aspect
            if times is not None:
                stream.time_base = stream.codec_context.time_base = clock
            if sound is not None:
                track = container.add_stream(sound_codec, rate=44100, layout="mono")
            for index, picture in enumerate(pictures):
                frame = picture if isinstance(picture, av.VideoFrame) else av.VideoFrame.from_ndarray(picture)
                if times is not None:
                    frame.pts, frame.time_base = round(times[index] / clock), clock
                else:
                    frame.pts, frame.time_base = index, Fraction(1, rate)
                container.mux(stream.encode(frame))
            container.mux(stream.encode())
            if sound is not None:
                samples = _tone(sound)
                for start in range(0, len(samples), 1024):
                    block = samples[start : start + 1024]
                    if track.format.name == "s16":
                        block = (block * 32767).astype(np.int16)
                    frame = av.AudioFrame.from_ndarray(block[None], format=track.format.name, layout="mono")
                    frame.sample_rate, frame.pts, frame.time_base = 44100, start, Fraction(1, 44100)
                    container.mux(track.encode(frame))
                container.mux(track.encode())
        return path

    return make
