"""Damaged model files: `python -m tests.fuzz.models 3000 --folder FOLDER`.

Each is verified and loaded as the command line does it, in a worker process, whose peak of memory counts.
"""

import argparse
import io
import multiprocessing
import pickle
import random
import resource
import sys
import tempfile
import time
import traceback
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from tests.fuzz.harness import Counts, limit_memory
from tests.fuzz.mutations import damage, damage_text
from vosctl.cli.weights import verify
from vosctl.errors import VosctlError
from vosctl.systems.backbone import BackboneSpec, BasicBlock, ResNet, register_backbone
from vosctl.systems.backbone_weights import read_backbone
from vosctl.systems.catalogue import register
from vosctl.systems.frtm.authors_checkpoint import read_authors_checkpoint
from vosctl.systems.frtm.refinement import RefinementNetwork
from vosctl.systems.frtm.spec import FRTM_SPEC
from vosctl.systems.spec import Architecture

_SECONDS_PER_INPUT = 20
_INPUTS_PER_PROCESS = 500
_MOST_MEMORY = 2_000_000  # kilobytes
_VALUES = (0, -1, 1.5, 2**40, 10**30, float("nan"), "", "x" * 5000, "a\n\x1b[31m", None, True, [], {}, [[[]]])


def small_model() -> dict[str, Any]:
    """The content of a model file of the smallest networks, whose architecture it makes known."""
    register_backbone(BackboneSpec("mini", BasicBlock, (1, 1, 1, 1), widths=(4, 4, 8, 8)))
    names = {one.name for one in FRTM_SPEC.architectures}
    spec = vars(FRTM_SPEC) | {"architectures": (*FRTM_SPEC.architectures, Architecture("frtm-mini", "mini"))}
    assert "frtm-mini" not in names
    register(type(FRTM_SPEC)(**spec))
    torch.manual_seed(0)
    backbone = ResNet("mini", stages=4)
    refinement = RefinementNetwork(backbone.channels)
    state = {f"backbone.{k}": v for k, v in backbone.state_dict().items()}
    state |= {f"refinement.{k}": v for k, v in refinement.state_dict().items()}
    halves = {k: v.half() if v.is_floating_point() else v for k, v in state.items()}
    return {"format": 1, "architecture": "frtm-mini", "options": {}, "state": halves}


def saved(content: object, *, archive: bool = True) -> bytes:
    """What torch.save writes; without `archive` as before its version 1.6."""
    file = io.BytesIO()
    torch.save(content, file, _use_new_zipfile_serialization=archive)
    return file.getvalue()


def _bytes(content: dict[str, Any], generator: random.Random) -> bytes:
    return damage(saved(content), generator)


def _cut(content: dict[str, Any], generator: random.Random) -> bytes:
    data = saved(content)
    return data[: generator.randrange(len(data))]


def _old_format(content: dict[str, Any], generator: random.Random) -> bytes:
    data = saved(content, archive=False)
    start = len(data) if generator.random() < 0.1 else generator.choice((600, 60_000))
    return damage(data[:start], generator) + data[start:]


def _rewritten(content: dict[str, Any], change: Callable[[str, bytes], bytes | None], method: int) -> bytes:
    written = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(saved(content))) as source, zipfile.ZipFile(written, "w", method) as to:
        for name in source.namelist():
            body = change(name, source.read(name))
            if body is not None:
                to.writestr(name, body)
    return written.getvalue()


def _entry(content: dict[str, Any], generator: random.Random) -> bytes:
    """One entry changed, dropped, emptied or made long, under a checksum that is right."""
    parts = ("data.pkl", "byteorder", "version", "data/0", "data/1", ".format_version")
    victim = generator.choice(parts)
    how = generator.randrange(5)

    def change(name: str, body: bytes) -> bytes | None:
        if not name.endswith(victim):
            return body
        return (damage(body, generator), None, b"", body[: len(body) // 2], body + bytes(1 << 20))[how]

    method = zipfile.ZIP_DEFLATED if generator.random() < 0.1 else zipfile.ZIP_STORED
    return _rewritten(content, change, method)


def _pickle(content: dict[str, Any], generator: random.Random) -> bytes:
    """Its list of tensors: numbers, names and operations of the pickle replaced."""

    def change(name: str, body: bytes) -> bytes:
        if not name.endswith("data.pkl"):
            return body
        changed = bytearray(body)
        for _ in range(generator.randint(1, 6)):
            at = generator.randrange(len(changed))
            match generator.randrange(4):
                case 0:
                    changed[at] = generator.randrange(256)
                case 1:
                    changed[at : at + 5] = b"J" + generator.randbytes(4)
                case 2:
                    changed[at:at] = generator.choice(
                        (b"Rb.", b"(lp0\n", b"\x8e" + bytes(6) + b"\x01\x00", b"]" * 9)
                    )
                case _:
                    words = (b"HalfStorage", b"FloatStorage"), (b"_rebuild_tensor_v2", b"_rebuild_parameter")
                    old, new = generator.choice(words)
                    changed = bytearray(bytes(changed).replace(old, new, generator.randint(1, 3)))
        return bytes(changed)

    return _rewritten(content, change, zipfile.ZIP_STORED)


def _other_pickle(content: dict[str, Any], generator: random.Random) -> bytes:
    """The pickle of something else, alone or in the place of the list of tensors."""
    thing = generator.choice((*_VALUES, Path, print, content["architecture"], {"state": print}))
    body = pickle.dumps(thing, generator.choice((0, 2, 4)))
    if generator.random() < 0.5:
        return body
    return _rewritten(
        content, lambda name, old: body if name.endswith("data.pkl") else old, zipfile.ZIP_STORED
    )


def _odd_tensor(value: Tensor, generator: random.Random) -> object:
    return generator.choice(
        (
            lambda: value.float() * float("nan"),
            lambda: value.float() / 0,
            lambda: -value - 1,
            lambda: value.flatten()[:1].expand(1 << 20, 1 << 12),
            lambda: value.flatten()[:0],
            lambda: value.flatten()[0],
            lambda: value[None],
            lambda: value.to(torch.complex64),
            lambda: value.double(),
            lambda: value.to(torch.int32),
            lambda: value.float().to_sparse(),
            lambda: torch.empty(value.shape, device="meta"),
            lambda: torch.nn.Parameter(value.float()),
            lambda: torch.zeros(100_000, 1, 1, 1, dtype=torch.int8),
            lambda: value.float() * 1e38,
        )
    )()


def _odd_content(content: dict[str, Any], generator: random.Random) -> bytes:
    """Keys, kinds and shapes that no export makes."""
    changed = {**content, "state": dict(content["state"])}
    for _ in range(generator.randint(1, 3)):
        state = changed["state"]
        match generator.randrange(6):
            case 0:
                changed[generator.choice(list(changed))] = generator.choice(_VALUES)
            case 1:
                changed.pop(generator.choice(("format", "architecture", "options", "state")), None)
            case 2:
                changed["architecture"] = generator.choice(("agame-rn18", "box-rn18", "frtm-rn18", "a\nb"))
                changed["options"] = {generator.choice(("width", "softmax", 3)): generator.choice(_VALUES)}
            case _ if isinstance(state, dict) and state:
                name = generator.choice(list(state))
                if generator.random() < 0.3:
                    state[generator.choice((3, None, "refinement.x", "a\nb", name))] = generator.choice(
                        _VALUES
                    )
                elif generator.random() < 0.2:
                    del state[name]
                elif isinstance(state[name], Tensor) and state[name].numel():
                    state[name] = _odd_tensor(state[name], generator)
        if not isinstance(changed.get("state"), dict):
            break
    return saved(changed)


_WAYS = (_bytes, _cut, _old_format, _entry, _pickle, _other_pickle, _odd_content)


def make_input(number: int, content: dict[str, Any], folder: Path) -> tuple[str, Path]:
    """Writes a damaged model file; returns the way in which it is damaged and where it is."""
    generator = random.Random(f"model-{number}")
    way = _WAYS[number % len(_WAYS)]
    path = folder / f"model{number}.pt"
    path.write_bytes(way(content, generator))
    if generator.random() < 0.1:
        card = b'{"architecture": "frtm-mini", "summary": "a card", "scores": [1, 2]}'
        path.with_suffix(".json").write_bytes(damage_text(card, generator))
    return way.__name__.strip("_"), path


def read(path: Path) -> tuple[str, str]:
    """Loads a file in all the ways there are.

    Returns:
        What became of `vosctl weights verify` (read, refused), or failed if any did; the text of what failed.
    """
    loads = (lambda: verify([path]), lambda: read_backbone(path), lambda: read_authors_checkpoint(path))
    ends = [_end_of(load, path.stem) for load in loads]
    return next((end for end in ends if end[0] == "failed"), ends[0])


def _end_of(load: Callable[[], object], name: str) -> tuple[str, str]:
    try:
        load()
    except VosctlError as error:
        text = str(error)
        if "\n" in text or name not in text or "weights_only" in text or len(text) > 600:
            return "failed", f"not one short line with the file: {text}"
        return "refused", text
    except Exception:  # noqa: BLE001  (this is what the run looks for)
        return "failed", traceback.format_exc()
    return "read", ""


def _start() -> None:
    limit_memory()
    torch.set_num_threads(1)
    global _content
    _content = small_model()


_content: dict[str, Any] = {}


def _work(number: int, folder: Path) -> tuple[str, str, str, int]:
    way, path = make_input(number, _content, folder)
    result, text = read(path)
    if result != "failed":
        path.unlink()
        path.with_suffix(".json").unlink(missing_ok=True)
    return way, result, text, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def main() -> None:
    """The command line; the exit code is 1 if an input failed."""
    parser = argparse.ArgumentParser()
    parser.add_argument("inputs", type=int, nargs="?", default=3000)
    parser.add_argument("--first", type=int, default=0, help="number of the first input")
    parser.add_argument("--folder", type=Path, help="for the inputs that fail")
    options = parser.parse_args()
    folder = options.folder or Path(tempfile.mkdtemp(prefix="fuzz-models-"))
    folder.mkdir(parents=True, exist_ok=True)
    counts, peak = Counts(), 0
    left = iter(range(options.first, options.first + options.inputs))
    number = next(left, None)
    context = multiprocessing.get_context("spawn")
    while number is not None:
        with context.Pool(1, _start) as pool:
            for _ in range(_INPUTS_PER_PROCESS):
                start = time.monotonic()
                try:
                    way, result, text, memory = pool.apply_async(_work, (number, folder)).get(
                        _SECONDS_PER_INPUT + (60 if _ == 0 else 0)  # the first waits for the process to start
                    )
                except multiprocessing.TimeoutError:  # it hangs, or the process is gone
                    way, result, text, memory = (
                        _WAYS[number % len(_WAYS)].__name__,
                        "failed",
                        "hang or crash",
                        0,
                    )
                counts.slowest = max(counts.slowest, time.monotonic() - start if _ else 0.0)
                peak = max(peak, memory)
                getattr(counts, result)[way] += 1
                if result == "failed":
                    sys.stdout.write(f"{way} {number}: {text}\n")
                    sys.stdout.flush()
                number = next(left, None)
                if number is None or text == "hang or crash":
                    break
    sys.stdout.write(f"{counts}\npeak memory {peak / 1e3:.0f} MB, inputs that failed are in {folder}\n")
    sys.exit(1 if counts.failed or peak > _MOST_MEMORY else 0)


if __name__ == "__main__":
    main()
