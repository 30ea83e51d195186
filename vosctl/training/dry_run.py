"""What a training would read and take: `vosctl train --dry-run`."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch

from vosctl.job.summary import peak_memory_mb
from vosctl.training.clips import RealClips
from vosctl.training.recipe import Recipe
from vosctl.training.trainer import Trainer

_TRIES = 2  # of each stage; the first is slower than those that follow


@dataclass(frozen=True)
class SourceFound:
    """One source of clips."""

    data: str
    path: str
    kind: str
    sequences: int | None
    """How many real clips it draws from."""


@dataclass(frozen=True)
class StageFound:
    """One stage."""

    steps: int
    batch: int
    size: tuple[int, int]
    frames: int
    seconds_per_step: float


@dataclass(frozen=True)
class DryRun:
    """What was found."""

    sources: tuple[SourceFound, ...]
    stages: tuple[StageFound, ...]
    memory_mb: float
    parameters: int
    """How many are trained."""

    @property
    def steps(self) -> int:
        """Steps of all stages."""
        return sum(stage.steps for stage in self.stages)

    @property
    def hours(self) -> float:
        """How long they would take; validation and checkpoints come on top."""
        return sum(stage.steps * stage.seconds_per_step for stage in self.stages) / 3600

    def to_json(self) -> dict[str, Any]:
        """All of it as plain data."""
        return {**asdict(self), "steps": self.steps, "hours": self.hours}

    def text(self) -> str:
        """All of it for people."""
        lines = []
        for source in self.sources:
            count = "" if source.sequences is None else f", {source.sequences} sequences"
            lines.append(f"reads {source.data}: {source.path} ({source.kind}{count})")
        for stage in self.stages:
            height, width = stage.size
            lines.append(
                f"{stage.steps} steps of {stage.batch} clips of {stage.frames} frames, {width}x{height}: "
                f"{stage.seconds_per_step:.2f} s a step, {stage.steps * stage.seconds_per_step / 3600:.1f} h"
            )
        lines.append(
            f"in all {self.steps} steps, about {self.hours:.1f} h; {self.parameters:,} parameters are "
            f"trained, at most {self.memory_mb:.0f} MB are used"
        )
        return "\n".join(lines)


def try_recipe(recipe: Recipe, data: Mapping[str, Path], device: torch.device) -> DryRun:
    """Train a few steps of each stage and throw them away.

    Raises:
        VosctlError: what the training itself would raise at its start.
    """
    with TemporaryDirectory(prefix="vosctl-dry-run-") as folder:
        trainer = Trainer(recipe, data, Path(folder), device)
        stages, first = [], 0
        for stage in recipe.stages:
            for _ in range(_TRIES):
                seconds = trainer.time_step(first)
            stages.append(StageFound(stage.steps, stage.batch, stage.size, stage.frames, seconds))
            first += stage.steps
        sources = tuple(
            SourceFound(one.data, str(data[one.data]), one.kind, _count(opened))
            for one, opened in zip(recipe.sources, trainer.batches.sources, strict=True)
        )
        trained = sum(p.numel() for p in trainer.network.parameters() if p.requires_grad)
    return DryRun(sources, tuple(stages), _memory(device), trained)


def _count(source: object) -> int | None:
    return len(source.sequences) if isinstance(source, RealClips) else None


def _memory(device: torch.device) -> float:
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device) / 2**20
    return peak_memory_mb()
