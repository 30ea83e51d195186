"""What was found for a target, as it is kept and shown."""

import csv
import io
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from vosctl.files import atomic_path, write_json


@dataclass(frozen=True)
class RowOutcome:
    """One row, measured or not."""

    label: str
    paper: Mapping[str, float]
    ours: Mapping[str, float]
    """What was measured, in the paper's units; empty where nothing was."""
    made_by: str
    """The model and how it ran, for people; empty for a method that is only cited."""
    reason: str
    """Why the figures are not the paper's, or why there are none."""
    folder: str = ""
    """Where the masks and the report of this row lie."""


@dataclass(frozen=True)
class Outcome:
    """A whole table or figure."""

    name: str
    title: str
    paper_data: str
    data: str
    """What ours was measured on."""
    columns: tuple[str, ...]
    rows: tuple[RowOutcome, ...]
    note: str
    made_at: str
    versions: Mapping[str, str]
    pictures: tuple[str, ...] = ()
    """Files in the folder of the result."""

    @property
    def paper_columns(self) -> tuple[str, ...]:
        """The paper's columns, in the order in which rows have them."""
        return tuple(dict.fromkeys(name for row in self.rows for name in row.paper))

    def to_json(self) -> dict[str, Any]:
        """The outcome as plain data."""
        return asdict(self)


def write_outcome(outcome: Outcome, folder: Path) -> None:
    """Write `result.json` and `result.csv`.

    Raises:
        OutputError: a file cannot be written.
    """
    write_json(folder / "result.json", outcome.to_json())
    with atomic_path(folder / "result.csv") as temporary:
        temporary.write_text(_csv(outcome), encoding="utf-8", newline="\n")


def _csv(outcome: Outcome) -> str:
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    paper = outcome.paper_columns
    head = [*(f"ours {name}" for name in outcome.columns), *(f"paper {name}" for name in paper)]
    table.writerow(["row", *head, "made by", "reason"])
    for row in outcome.rows:
        ours = [_number(row.ours.get(name)) for name in outcome.columns]
        theirs = [_number(row.paper.get(name)) for name in paper]
        table.writerow([row.label, *ours, *theirs, row.made_by, row.reason])
    return text.getvalue()


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.4g}"
