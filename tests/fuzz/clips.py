"""Damaged clips: `python -m tests.fuzz.clips --seconds 600 --folder FOLDER`.

Each input is read in a worker process, since FFmpeg may hang or crash where no exception can end it.
"""

import argparse
import multiprocessing
import random
import resource
import shutil
import sys
import time
import traceback
from itertools import islice
from pathlib import Path

import av
import numpy as np
from PIL import Image

from tests.fuzz.harness import Counts, limit_memory
from tests.fuzz.mutations import damage, damage_png
from vosctl.errors import VosctlError
from vosctl.media.clip import open_clip

_SECONDS_PER_INPUT = 20
_INPUTS_PER_PROCESS = 200
_FRAMES = 200  # a damaged header may claim pictures without end
_SIZE = (48, 64)  # (height, width)
# name -> (suffix, encoder, pixel format)
_VIDEOS = {
    "mp4": (".mp4", "libx264", "yuv420p"),
    "mov-mjpeg": (".mov", "mjpeg", "yuvj420p"),
    "mov-png": (".mov", "png", "rgb24"),
    "mkv": (".mkv", "libx264", "yuv420p"),
    "mkv-ffv1": (".mkv", "ffv1", "gray"),
    "webm": (".webm", "libvpx-vp9", "yuv420p"),
    "ts": (".ts", "libx264", "yuv420p"),
    "avi": (".avi", "mpeg4", "yuv420p"),
    "h264": (".h264", "libx264", "yuv420p"),
    "y4m": (".y4m", "wrapped_avframe", "yuv420p"),
    "gif": (".gif", "gif", "rgb8"),
}
_IMAGES = {"png": ".png", "tiff": ".tif", "jpeg": ".jpg", "webp": ".webp", "bmp": ".bmp"}


def _pictures(count: int) -> list[np.ndarray]:
    generator = np.random.default_rng(0)
    coarse = generator.integers(0, 255, (count, 6, 8, 3), np.uint8)
    return [np.ascontiguousarray(one.repeat(8, 0).repeat(8, 1)) for one in coarse]


def _write_video(path: Path, encoder: str, pixel_format: str) -> None:
    with av.open(str(path), "w") as container:
        stream = container.add_stream(encoder, rate=25)
        stream.height, stream.width = _SIZE
        stream.pix_fmt = pixel_format
        for index, picture in enumerate(_pictures(8)):
            frame = av.VideoFrame.from_ndarray(picture)
            frame.pts = index
            container.mux(stream.encode(frame))
        container.mux(stream.encode())


def make_seeds(folder: Path) -> dict[str, Path]:
    """Writes a valid clip of each kind, and a picture of each kind as "image-KIND"."""
    seeds = {}
    for name, (suffix, encoder, pixel_format) in _VIDEOS.items():
        seeds[name] = folder / f"{name}{suffix}"
        _write_video(seeds[name], encoder, pixel_format)
    for form, suffix in _IMAGES.items():
        seeds[f"image-{form}"] = folder / f"image{suffix}"
        Image.fromarray(_pictures(1)[0]).save(seeds[f"image-{form}"], form)
    deep = Image.fromarray(_pictures(1)[0][..., 0].astype(np.uint16) * 16)
    seeds["image-deep"] = folder / "deep.tif"
    deep.save(seeds["image-deep"])
    return seeds


def make_input(number: int, seeds: dict[str, Path], folder: Path) -> tuple[str, Path]:
    """Writes a damaged clip; returns the name of its kind and where it is."""
    generator = random.Random(f"clip-{number}")
    name = sorted(seeds)[number % len(seeds)]
    data = seeds[name].read_bytes()
    hurt = damage_png if name == "image-png" and generator.random() < 0.7 else damage
    changed = hurt(data, generator)
    place = folder / f"clip{number}"
    if not name.startswith("image"):
        path = place.with_suffix(seeds[name].suffix)
        path.write_bytes(changed)
        return name, path
    place.mkdir()
    first, second = (data, changed) if generator.random() < 0.5 else (changed, data)
    (place / f"0{seeds[name].suffix}").write_bytes(first)
    (place / f"1{seeds[name].suffix}").write_bytes(second)
    return name, place


def read(path: Path) -> tuple[str, str]:
    """Reads a clip; returns what became of it (read, refused or failed), and the text of what failed."""
    try:
        with open_clip(path) as clip:
            last = -1
            for frame in islice(clip, _FRAMES):
                assert frame.index == last + 1
                assert frame.rgb.shape == (clip.info.height, clip.info.width, 3)
                last = frame.index
    except VosctlError as error:
        text = str(error)
        return (
            ("failed", f"not one line with the file: {text}")
            if "\n" in text or path.name not in text
            else (
                "refused",
                text,
            )
        )
    except Exception:  # noqa: BLE001  (this is what the run looks for)
        return "failed", traceback.format_exc()
    return "read", ""


def _work(seeds: dict[str, Path], folder: Path, number: int) -> tuple[str, str, str, int]:
    name, path = make_input(number, seeds, folder)
    result, text = read(path)
    if result != "failed":
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    return name, result, text, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def main() -> None:
    """The command line; the exit code is 1 if an input failed."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--first", type=int, default=0, help="number of the first input")
    parser.add_argument("--folder", type=Path, required=True, help="for the inputs that fail")
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    seeds = make_seeds(options.folder)
    counts, peak, number = Counts(), 0, options.first
    end = time.monotonic() + options.seconds
    context = multiprocessing.get_context("spawn")
    while time.monotonic() < end:
        with context.Pool(1, limit_memory) as pool:
            for _ in range(_INPUTS_PER_PROCESS):
                start = time.monotonic()
                name = sorted(seeds)[number % len(seeds)]
                waiting = pool.apply_async(_work, (seeds, options.folder, number))
                number += 1
                try:
                    _, result, text, memory = waiting.get(_SECONDS_PER_INPUT)
                except multiprocessing.TimeoutError:  # it hangs, or the process is gone
                    counts.failed[name] += 1
                    sys.stdout.write(f"{name} {number - 1}: hang or crash\n")
                    break
                peak = max(peak, memory)
                getattr(counts, result)[name] += 1
                if result == "failed":
                    sys.stdout.write(f"{name} {number - 1}: {text}\n")
                counts.slowest = max(counts.slowest, time.monotonic() - start)
                if time.monotonic() > end:
                    break
        sys.stdout.write(f"{counts}\npeak memory {peak / 1e3:.0f} MB\n")
        sys.stdout.flush()
    sys.exit(1 if counts.failed else 0)


if __name__ == "__main__":
    main()
