"""Targets whose rows are runs over the data set, scored as `vosctl benchmark` does."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from vosctl.errors import VosctlError
from vosctl.evaluation.dataset_run import run_benchmark, write_files
from vosctl.evaluation.results import BenchmarkResult, figures_of
from vosctl.evaluation.runners import open_runners
from vosctl.evaluation.sequence_runner import RunPlan
from vosctl.reproduction.outcome import RowOutcome
from vosctl.reproduction.plan import Measured, Plan, measured_rows
from vosctl.reproduction.target import Row, Target
from vosctl.reproduction.training import trained_model
from vosctl.systems.presets import card_for

_NAMES = {"J": "J-Mean", "F": "F-Mean", "J&F": "J&F-Mean", "FPS": "model_fps"}
"""The columns' names in `results.json`; the others are called the same there."""


_NO_RESNET_101 = (
    "the paper's Ours; no weights of it are shipped: vosctl weights import rn101_all.pth, a file of the "
    "authors, then --models rn101_all --download"
)


def measure_rows(target: Target, plan: Plan) -> tuple[RowOutcome, ...]:
    """Every row of a target, run where there is a model for it; sequences that are done are not run again.

    A row that cannot be run says why.
    """
    found = [outcome for row in target.all_rows() for outcome in _outcomes(target, row, plan)]
    open_rows = [row for row in target.rows if not (row.cited or row.model or row.recipe)]
    if open_rows and not any("rn101" in name for name in plan.models):
        found.append(RowOutcome("The same on ResNet-101", {}, {}, "frtm-rn101, paper", _NO_RESNET_101))
    return tuple(found)


def run_row(one: Measured, plan: Plan, folder: Path) -> BenchmarkResult:
    """Run and score one row.

    Args:
        one: the row with its model.
        plan: what to run it on.
        folder: for the masks and the row's own report.

    Raises:
        VosctlError: the model does not work, or all sequences failed.
    """
    run = RunPlan(one.choice, one.settings, one.variant, (plan.device,), plan.jobs)
    with open_runners(run) as runners:
        result = run_benchmark(plan.dataset, folder, runners, plan.progress, overwrite=plan.overwrite)
    write_files(result, plan.dataset, folder)
    if result.failures and not result.sequences:
        raise VosctlError(result.failures[0].error)
    return result


def row_folder(target: Target, one: Measured, plan: Plan) -> Path:
    """Where a row's masks and report lie."""
    return plan.folder / target.name / "rows" / one.key


def _outcomes(target: Target, row: Row, plan: Plan) -> Iterator[RowOutcome]:
    if row.cited:
        yield RowOutcome(row.label, row.paper, {}, "", row.reason or "another method: cited")
        return
    trained = ""
    if row.recipe:
        try:
            path, trained = trained_model(row, plan)
        except VosctlError as error:
            yield RowOutcome(row.label, row.paper, {}, row.recipe, str(error))
            return
        row = replace(row, model=str(path))
    for one in measured_rows(row, plan):
        folder = row_folder(target, one, plan)
        made_by = f"{one.made_by}; {trained}" if trained else one.made_by
        try:
            result = run_row(one, plan, folder)
        except VosctlError as error:
            yield RowOutcome(one.label, row.paper, {}, made_by, f"not measured: {error}")
            continue
        reasons = [row.reason] if row.reason else []
        if row.paper:
            reasons.append(f"not the paper's data but {plan.dataset.name}; {_learned_from(one)}")
        if result.failures:
            reasons.append(f"{len(result.failures)} sequences failed and are not in the figures")
        yield RowOutcome(
            one.label, row.paper, _figures(target, result), made_by, "; ".join(reasons), str(folder)
        )


def _learned_from(one: Measured) -> str:
    """What the model was trained on, as its card says."""
    trained = card_for(one.choice).get("trained_on")
    names = ", ".join(map(str, trained)) if isinstance(trained, dict) else ""
    return f"weights that learned from {names}" if names else "weights of unknown training"


def _figures(target: Target, result: BenchmarkResult) -> dict[str, float]:
    """The target's columns in the paper's units: percent, but for frames a second."""
    found = figures_of(result)
    values = {}
    for column in target.columns:
        value = found.get(_NAMES.get(column, column))
        if value is not None:
            values[column] = float(value) * (1 if column == "FPS" else 100)
    return values
