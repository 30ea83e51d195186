"""Two runs over the same sequences, side by side."""

from dataclasses import dataclass

from vosctl.errors import UsageError
from vosctl.evaluation.results import BenchmarkResult, SequenceResult, Summary, summary_of


@dataclass(frozen=True)
class ComparisonRow:
    """A sequence, or all that both runs have, in run A and in run B."""

    name: str
    a: Summary
    b: Summary
    a_fps: float | None
    """Model frames a second; None where masks of another tool were scored."""
    b_fps: float | None

    @property
    def difference(self) -> float:
        """J&F of B minus that of A."""
        return self.b.j_and_f - self.a.j_and_f


@dataclass(frozen=True)
class Comparison:
    """What `compare` found."""

    rows: tuple[ComparisonRow, ...]
    """Sequences that both runs have scored, in A's order."""
    total: ComparisonRow
    """Over these sequences alone."""
    left_out: tuple[str, ...]
    """Sequences that only one run has."""


def compare(a: BenchmarkResult, b: BenchmarkResult) -> Comparison:
    """Compare what two runs scored.

    Raises:
        UsageError: the runs are of different data sets, or no sequence was scored in both.
    """
    if a.dataset != b.dataset:
        raise UsageError(f"cannot compare {a.dataset} with {b.dataset}: their rules are not the same")
    of_a = {sequence.name: sequence for sequence in a.sequences if sequence.objects}
    of_b = {sequence.name: sequence for sequence in b.sequences if sequence.objects}
    common = [name for name in of_a if name in of_b]
    if not common:
        raise UsageError(f"nothing to compare: no sequence of {a.dataset} was scored in both runs")
    return Comparison(
        rows=tuple(_row(name, (of_a[name],), (of_b[name],)) for name in common),
        total=_row("all", tuple(of_a[name] for name in common), tuple(of_b[name] for name in common)),
        left_out=tuple(sorted(of_a.keys() ^ of_b.keys())),
    )


def _row(name: str, a: tuple[SequenceResult, ...], b: tuple[SequenceResult, ...]) -> ComparisonRow:
    (a_summary, a_fps), (b_summary, b_fps) = _figures(a), _figures(b)
    return ComparisonRow(name, a_summary, b_summary, a_fps, b_fps)


def _figures(sequences: tuple[SequenceResult, ...]) -> tuple[Summary, float | None]:
    summary = summary_of([one for sequence in sequences for one in sequence.objects])
    speeds = [sequence.speed.model_fps for sequence in sequences if sequence.speed]
    return summary, sum(speeds) / len(speeds) if len(speeds) == len(sequences) else None
