"""Feeds damaged files to a reader for a while; nothing but VosctlError may come out of it."""

import argparse
import random
import signal
import sys
import time
import traceback
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from vosctl.errors import VosctlError

_SECONDS_PER_INPUT = 20  # more than that is a hang
_SECONDS_PER_NOTE = 30  # between two writings of the counts so far
_MEMORY = 6 << 30  # bytes of address space: a few bytes of input must not fill the machine


@dataclass(frozen=True)
class Target:
    """A reader, and valid files for it."""

    name: str
    suffix: str
    seeds: Sequence[bytes]
    read: Callable[[Path, random.Random], object]
    damage: Sequence[Callable[[bytes, random.Random], bytes]]


@dataclass
class Counts:
    """What became of the inputs."""

    read: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    failed: Counter[str] = field(default_factory=Counter)
    slowest: float = 0.0
    """Seconds of the input that took longest."""

    def __str__(self) -> str:
        lines = [
            f"{name}: {self.read[name]} read, {self.refused[name]} refused, {self.failed[name]} failed"
            for name in sorted(self.read | self.refused | self.failed)
        ]
        total = sum((self.read + self.refused + self.failed).values())
        return "\n".join(
            [*lines, f"all: {total} inputs, {self.failed.total()} failed, slowest {self.slowest:.2f} s"]
        )


def fuzz(
    targets: Sequence[Target], folder: Path, *, seconds: float, inputs: int | None = None, seed: int = 0
) -> Counts:
    """Runs until the time or the number of inputs is used up; inputs that fail are kept in `folder`."""
    counts = Counts()
    end = time.monotonic() + seconds
    number, told = 0, time.monotonic()
    while time.monotonic() < end and (inputs is None or number < inputs):
        generator = random.Random(f"{seed}-{number}")
        target = targets[number % len(targets)]
        data = generator.choice(target.damage)(generator.choice(target.seeds), generator)
        path = folder / f"input{target.suffix}"
        path.write_bytes(data)
        start = time.monotonic()
        try:
            target.read(path, generator)
            counts.read[target.name] += 1
        except VosctlError as error:
            counts.refused[target.name] += 1
            if not str(error).strip() or str(path) not in str(error):
                _fail(counts, target, folder, data, f"no file named in: {error}")
        except Exception:  # noqa: BLE001  (this is what the run looks for)
            _fail(counts, target, folder, data, traceback.format_exc())
        counts.slowest = max(counts.slowest, time.monotonic() - start)
        number += 1
        if time.monotonic() > told + _SECONDS_PER_NOTE:
            told = time.monotonic()
            (folder / "counts.txt").write_text(f"{counts}\n")
    path.unlink(missing_ok=True)
    return counts


def _fail(counts: Counts, target: Target, folder: Path, data: bytes, text: str) -> None:
    counts.failed[target.name] += 1
    kept = folder / f"{target.name}-{counts.failed[target.name]:04d}{target.suffix}"
    kept.write_bytes(data)
    kept.with_suffix(kept.suffix + ".txt").write_text(text)


def run(targets: Sequence[Target]) -> None:
    """The command line of a fuzz run; the exit code is 1 if an input failed."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--folder", type=Path, required=True, help="for the input at hand and those that fail"
    )
    options = parser.parse_args()
    limit_memory()
    options.folder.mkdir(parents=True, exist_ok=True)

    def too_long(*_: object) -> None:
        raise TimeoutError(f"more than {_SECONDS_PER_INPUT} s for one input")

    signal.signal(signal.SIGALRM, too_long)
    limited = [Target(t.name, t.suffix, t.seeds, _with_alarm(t.read), t.damage) for t in targets]
    counts = fuzz(limited, options.folder, seconds=options.seconds, seed=options.seed)
    sys.stdout.write(f"{counts}\n")
    sys.exit(1 if counts.failed else 0)


def _with_alarm(read: Callable[[Path, random.Random], object]) -> Callable[[Path, random.Random], object]:
    def limited(path: Path, generator: random.Random) -> object:
        signal.alarm(_SECONDS_PER_INPUT)
        try:
            return read(path, generator)
        finally:
            signal.alarm(0)

    return limited


def limit_memory() -> None:
    """Lets allocations beyond a few gigabytes fail."""
    import resource

    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, resource.getrlimit(resource.RLIMIT_AS)[1]))
