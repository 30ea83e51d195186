"""Whether a machine computes what it should: what `vosctl doctor` tries, one check after another."""

import os
import platform
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch

from vosctl.arrays import Image, Labels
from vosctl.compute.available_cores import available_cores
from vosctl.compute.device_memory import forget_highest, highest_bytes
from vosctl.compute.devices import Precision, choose_device, choose_dtype, dtype_reason, fallback_note
from vosctl.compute.graphs import SWITCH
from vosctl.compute.probe import fault_of
from vosctl.compute.transfer import Download, Timestamp, Uploader
from vosctl.systems.model import Model
from vosctl.tracking.tracker import Tracker
from vosctl.version import __version__

FRAMES = 17  # two updates, so that on a GPU each function is captured and replayed
SIZE = (160, 96)  # (width, height)
_ALIKE = 0.98  # of the pixels; rounding moves the border of an object by a pixel here and there

Load = Callable[[str, Precision], Model]


@dataclass(frozen=True)
class Check:
    """One thing that was tried."""

    name: str
    ok: bool | None
    """None for what the machine need not have, and for what is only said."""
    found: str


@dataclass(frozen=True)
class Checkup:
    """All that was found."""

    machine: dict[str, str]
    checks: tuple[Check, ...]

    @property
    def failed(self) -> tuple[str, ...]:
        """The names of the checks that went wrong."""
        return tuple(check.name for check in self.checks if check.ok is False)

    def to_json(self) -> dict[str, Any]:
        """The findings as plain data."""
        return {"machine": self.machine, "checks": [asdict(check) for check in self.checks]}


def check_up(device: str, load: Load) -> Checkup:
    """Try a device.

    Args:
        device: as `choose_device` takes it.
        load: makes the model of a device's name and a precision.

    Raises:
        DeviceError: there is no such device, or it does not compute at all.
    """
    place = choose_device(device)
    note = fallback_note(device)
    checks = [Check("device", None, f"{place}{f'; {note}' if note else ''}")]
    checks += _dtypes(place)
    checks.append(_transfer(place))
    checks += _runs(place, load)
    return Checkup(_machine(place), tuple(checks))


def _machine(device: torch.device) -> dict[str, str]:
    dtype = str(choose_dtype("auto", device)).removeprefix("torch.")
    found = {
        "vosctl": __version__,
        "Python": f"{platform.python_version()}, {platform.system()} {platform.release()}",
        "torch": f"{torch.__version__}, CUDA {torch.version.cuda or 'not built in'}",
        "processor": f"{available_cores()} cores, {torch.get_num_threads()} threads, "
        f"{torch.backends.cpu.get_cpu_capability()} in use",
        "dtype": f"{dtype} ({dtype_reason('auto', device)})",
    }
    if device.type == "cuda":
        card = torch.cuda.get_device_properties(device)
        free, total = torch.cuda.mem_get_info(device)
        found["GPU"] = f"{card.name}, sm_{card.major}{card.minor}"
        found["built for"] = " ".join(torch.cuda.get_arch_list())
        found["GPU memory"] = f"{free / 1e6:.0f} of {total / 1e6:.0f} MB free"
    return found


def _dtypes(device: torch.device) -> Iterator[Check]:
    chosen = choose_dtype("auto", device)
    for dtype in (torch.float32, torch.bfloat16, torch.float16):
        name = str(dtype).removeprefix("torch.")
        fault = fault_of(device, dtype)
        is_needed = dtype in (torch.float32, chosen)
        yield Check(name, fault is None if is_needed or not fault else None, fault or "computes")


def _transfer(device: torch.device) -> Check:
    frames, _ = made_up_clip()
    began = Timestamp(device)
    images = Uploader(device)(frames)
    (found,), seconds = Download([images.permute(0, 2, 3, 1)], began).wait()
    same = np.array_equal(found, np.stack(frames))
    way = f"there and back in {1000 * seconds:.1f} ms" if device.type == "cuda" else "nothing to transfer"
    return Check("transfer", same, way if same else "frames come back changed")


def _runs(device: torch.device, load: Load) -> Iterator[Check]:
    """The made-up clip, in each way that applies, held against float32 on the CPU."""
    expected, _ = _labels(load("cpu", "fp32"))
    truth = made_up_clip()[1]
    share = _alike(expected, truth)
    yield Check("CPU, float32", None, f"{share:.1%} of the pixels as drawn")
    if device.type == "cpu":
        if choose_dtype("auto", device) != torch.float32:
            yield _compared("CPU, auto", load("cpu", "auto"), expected)
        return
    with _without_graphs():
        yield _compared("GPU, without graphs", load(str(device), "auto"), expected)
    model = load(str(device), "auto")
    forget_highest(device)
    _labels(model)  # the first run of a shape is plain
    yield _compared("GPU, with graphs", model, expected)
    failure = getattr(getattr(model, "graphs", None), "failure", None)
    yield Check("graphs", not failure, failure or "captured and replayed")
    yield Check("peak memory", None, f"{highest_bytes(device) / 1e6:.0f} MB of the GPU")


def _compared(name: str, model: Model, expected: list[Labels]) -> Check:
    found, speed = _labels(model)
    share = _alike(found, expected)
    return Check(
        name, share >= _ALIKE, f"{share:.1%} of the pixels as in float32 on the CPU, {speed:.1f} frames/s"
    )


def _labels(model: Model) -> tuple[list[Labels], float]:
    """The label maps of the made-up clip, and frames a second as the papers count."""
    frames, labels = made_up_clip()
    tracker = Tracker(model)
    found = [result.labels for result in tracker.run(frames, {0: labels[0]})]
    return found, tracker.stats.frames_per_second


def _alike(found: list[Labels], expected: list[Labels]) -> float:
    """The lowest share of equal pixels of a frame."""
    return min(float((a == b).mean()) for a, b in zip(found, expected, strict=True))


@contextmanager
def _without_graphs() -> Iterator[None]:
    before = os.environ.get(SWITCH)
    os.environ[SWITCH] = "1"
    try:
        yield
    finally:
        if before is None:
            del os.environ[SWITCH]
        else:
            os.environ[SWITCH] = before


def made_up_clip() -> tuple[list[Image], list[Labels]]:
    """Two discs that drift over noise: pictures (H, W, 3) and label maps (H, W)."""
    width, height = SIZE
    ground = np.random.default_rng(0).integers(90, 130, (height, width, 3), np.uint8)
    y, x = np.mgrid[:height, :width]
    pictures, labels = [], []
    for index in range(FRAMES):
        picture, label = ground.copy(), np.zeros((height, width), np.uint8)
        for number, colour in enumerate(((220, 40, 40), (40, 90, 220))):
            centre = (35 + 80 * number + index, height // 2 + (index if number else -index) // 2)
            inside = (x - centre[0]) ** 2 + (y - centre[1]) ** 2 <= 18**2
            picture[inside], label[inside] = colour, number + 1
        pictures.append(picture)
        labels.append(label)
    return pictures, labels
