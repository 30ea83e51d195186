"""What a benchmark has found, as typed values that go to `results.json` and come back from it."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from vosctl.errors import DatasetError
from vosctl.evaluation.statistics import Statistics, mean_of, statistics_of
from vosctl.files import write_json

FORMAT = 1
"""The number of the layout of `results.json`; another layout has another number."""


@dataclass(frozen=True)
class ObjectScore:
    """J and F of one object over the frames that count."""

    object_id: int
    frames: tuple[str, ...]
    """The frames' stems."""
    j_values: tuple[float, ...]
    """Region similarity, one value a frame."""
    f_values: tuple[float, ...]
    """Contour accuracy, one value a frame."""
    seen: bool | None = None
    """Whether the training set has the object's class, where the data set says so."""

    @cached_property
    def j(self) -> Statistics:
        """Mean, recall and decay of J."""
        return statistics_of(self.j_values)

    @cached_property
    def f(self) -> Statistics:
        """Mean, recall and decay of F."""
        return statistics_of(self.f_values)


@dataclass(frozen=True)
class Summary:
    """The figures of a data set or a sequence: means over objects."""

    j: Statistics
    f: Statistics

    @property
    def j_and_f(self) -> float:
        """The mean of J and F."""
        return (self.j.mean + self.f.mean) / 2


@dataclass(frozen=True)
class SequenceSpeed:
    """What tracking one sequence cost."""

    frames: int
    objects: int
    width: int
    """The width that the networks saw, in pixels."""
    height: int
    """The height that the networks saw, in pixels."""
    model_seconds: float
    """The seconds of computing with the first frame's work, without reading and writing: the paper's T."""
    first_mask_seconds: float
    """Seconds from opening the first image until the first mask was there."""
    end_to_end_seconds: float
    """Seconds from opening the first image to the last mask written."""
    jobs: int = 1
    """How many sequences ran at a time; several on one device slow each other down."""
    threads: int = 1
    """The processor's threads that computed this sequence."""

    @property
    def model_fps(self) -> float:
        """Frames a second by the paper's rule, N / T."""
        return self.frames / self.model_seconds

    @property
    def end_to_end_fps(self) -> float:
        """Frames a second with decoding and writing."""
        return self.frames / self.end_to_end_seconds


@dataclass(frozen=True)
class SpeedSummary:
    """The means over sequences, as the paper counts them."""

    first_mask_seconds: float
    model_fps: float
    end_to_end_fps: float


@dataclass(frozen=True)
class SequenceResult:
    """One sequence. It has no objects where nothing could be scored, and no speed where masks were given."""

    name: str
    objects: tuple[ObjectScore, ...] = ()
    speed: SequenceSpeed | None = None

    @cached_property
    def summary(self) -> Summary | None:
        """The means over the sequence's objects."""
        return summary_of(self.objects) if self.objects else None


@dataclass(frozen=True)
class RunDescription:
    """What made the masks, so that a figure can be traced."""

    model: str
    weights: dict[str, str]
    """The SHA-256 of each file of weights, or where weights came from that were no file."""
    variant: str
    """The row of the paper's Table 1."""
    settings: dict[str, Any]
    """The tracker's settings."""
    device: str
    precision: str
    """The dtype that the networks computed in."""


@dataclass(frozen=True)
class Failure:
    """A sequence that gave no masks, and why."""

    sequence: str
    error: str


@dataclass(frozen=True)
class BenchmarkResult:
    """Everything that `results.json` holds."""

    dataset: str
    split: str
    root: str
    masks: str
    """The folder that was scored."""
    made_at: str
    """ISO 8601, UTC."""
    versions: dict[str, str]
    run: RunDescription | None
    """None where masks of another tool were scored."""
    sequences: tuple[SequenceResult, ...]
    failures: tuple[Failure, ...] = ()

    @cached_property
    def summary(self) -> Summary | None:
        """The data set's figures: means over all objects of all sequences; None where nothing was scored."""
        objects = [one for sequence in self.sequences for one in sequence.objects]
        return summary_of(objects) if objects else None

    @cached_property
    def speed(self) -> SpeedSummary | None:
        """Means over the sequences that were run; None where none was."""
        speeds = [sequence.speed for sequence in self.sequences if sequence.speed]
        if not speeds:
            return None
        return SpeedSummary(
            first_mask_seconds=float(np.mean([speed.first_mask_seconds for speed in speeds])),
            model_fps=float(np.mean([speed.model_fps for speed in speeds])),
            end_to_end_fps=float(np.mean([speed.end_to_end_fps for speed in speeds])),
        )


def write_results(result: BenchmarkResult, path: Path) -> None:
    """Write `results.json`: the values themselves, and the figures made of them for whoever reads the file.

    Raises:
        OutputError: the file cannot be written.
    """
    content = {"format": FORMAT, "figures": figures_of(result), **asdict(result)}
    write_json(path, content)


def read_results(path: Path) -> BenchmarkResult:
    """Read a `results.json`, or that in a benchmark's folder.

    Raises:
        DatasetError: there is no such file, or it is not one of ours.
    """
    path = path / "results.json" if path.is_dir() else path
    try:
        content = json.loads(path.read_text())
        if content["format"] != FORMAT:
            raise DatasetError(
                f"{path}: format {content['format']}, expected {FORMAT}; run the benchmark again"
            )
        return BenchmarkResult(
            **{name: content[name] for name in ("dataset", "split", "root", "masks", "made_at", "versions")},
            run=RunDescription(**content["run"]) if content["run"] else None,
            sequences=tuple(sequence_from(sequence) for sequence in content["sequences"]),
            failures=tuple(Failure(**failure) for failure in content["failures"]),
        )
    except OSError as error:
        raise DatasetError(
            f"{path}: {error.strerror}; expected a results.json of vosctl benchmark"
        ) from error
    except (ValueError, KeyError, TypeError) as error:
        raise DatasetError(f"{path}: not a results.json of vosctl benchmark: {error!r}") from error


def sequence_from(content: Mapping[str, Any]) -> SequenceResult:
    """A sequence as it was decoded from JSON."""
    return SequenceResult(
        name=content["name"],
        objects=tuple(
            ObjectScore(
                object_id=one["object_id"],
                frames=tuple(one["frames"]),
                j_values=tuple(one["j_values"]),
                f_values=tuple(one["f_values"]),
                seen=one.get("seen"),
            )
            for one in content["objects"]
        ),
        speed=SequenceSpeed(**content["speed"]) if content["speed"] else None,
    )


def summary_of(objects: Sequence[ObjectScore]) -> Summary:
    """The means over some objects, of which there must be at least one."""
    return Summary(mean_of([one.j for one in objects]), mean_of([one.f for one in objects]))


def figures_of_classes(result: BenchmarkResult) -> dict[str, float]:
    """YouTube-VOS' own figures: J and F of seen and unseen classes, and G, the mean of the four.

    None where an object's class is not known; no G without objects of both kinds.
    """
    objects = [one for sequence in result.sequences for one in sequence.objects]
    if any(one.seen is None for one in objects):
        return {}
    figures: dict[str, float] = {}
    for kind, wanted in (("seen", True), ("unseen", False)):
        if own := [one for one in objects if one.seen is wanted]:
            summary = summary_of(own)
            figures |= {f"J {kind}": summary.j.mean, f"F {kind}": summary.f.mean}
    return {"G": sum(figures.values()) / 4, **figures} if len(figures) == 4 else figures


def figures_of(result: BenchmarkResult) -> dict[str, Any]:
    """What follows from the values, for readers of the file; `read_results` computes it again."""
    figures: dict[str, Any] = {}
    if summary := result.summary:
        figures["J&F-Mean"] = summary.j_and_f
        for name, statistics in (("J", summary.j), ("F", summary.f)):
            figures |= {
                f"{name}-Mean": statistics.mean,
                f"{name}-Recall": statistics.recall,
                f"{name}-Decay": statistics.decay,
            }
    figures |= figures_of_classes(result)
    if speed := result.speed:
        figures |= asdict(speed)
    figures["sequences"] = {
        sequence.name: {"J-Mean": sequence.summary.j.mean, "F-Mean": sequence.summary.f.mean}
        for sequence in result.sequences
        if sequence.summary
    }
    return figures
