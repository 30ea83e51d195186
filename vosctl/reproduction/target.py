"""What can be reproduced: the tables and figures of both papers, as `papers.toml` lists them.

A row either is measured (a variant of FRTM or A-GAME with some settings), or is another method's, of which
the paper's figures are cited.
"""

import itertools
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any, Literal

from vosctl.errors import UsageError
from vosctl.suggestion import suggestion

Kind = Literal["scores", "stages", "first-frame", "memory-sizes", "pictures", "scores-in-pictures", "samples"]
Number = int | float


@dataclass(frozen=True)
class Row:
    """One row of a table, or one point of a figure."""

    label: str
    paper: Mapping[str, float] = field(default_factory=dict)
    """The paper's figures by column, in its own units."""
    cited: bool = False
    """It is a method that is not here."""
    model: str = ""
    """The model; empty for each of those that the command is given."""
    variant: str = ""
    """A row of FRTM's Table 1; empty for as much as the model has."""
    preset: str = ""
    """Empty for the paper's preset for the model's backbone."""
    settings: Mapping[str, Number] = field(default_factory=dict)
    """Fields of `TrackerSettings` that differ from the preset."""
    recipe: str = ""
    """The recipe, below `recipes/`, of a model that is trained for this row."""
    overrides: tuple[str, ...] = ()
    """Its values that differ, as `vosctl train --set` takes them."""
    reason: str = ""
    """Why its figures differ from the paper's, or cannot be had."""


@dataclass(frozen=True)
class Target:
    """One table or figure."""

    name: str
    title: str
    kind: Kind
    data: str
    """What the paper ran it on."""
    needs: str
    """Weights and data, for people."""
    hours: str
    """About how long it takes, for people."""
    rows: tuple[Row, ...] = ()
    columns: tuple[str, ...] = ("J",)
    """What is measured of each row."""
    sweep: Mapping[str, tuple[Number, ...]] = field(default_factory=dict)
    """Fields of `TrackerSettings` and the values that each takes; every combination is a row."""
    note: str = ""
    """Why the figures are not the paper's, whatever the data."""

    @property
    def trains(self) -> bool:
        """Whether models are trained for it."""
        return any(row.recipe for row in self.rows)

    def swept(self, values: Mapping[str, tuple[Number, ...]]) -> "Target":
        """The target with other values for its sweep.

        Raises:
            UsageError: it has no sweep over such a setting.
        """
        for name in values:
            if name not in self.sweep:
                known = ", ".join(self.sweep) or "none"
                raise UsageError(f"--sweep {name}: {self.name} sweeps over {known}")
        return replace(self, sweep={**self.sweep, **values})

    def all_rows(self) -> tuple[Row, ...]:
        """The rows as listed, and those of the sweep."""
        if not self.sweep:
            return self.rows
        listed = {tuple(sorted(row.settings.items())): row for row in self.rows}
        rows = []
        for values in itertools.product(*self.sweep.values()):
            settings = dict(zip(self.sweep, values, strict=True))
            label = ", ".join(f"{_SYMBOLS.get(name, name)} = {value:g}" for name, value in settings.items())
            known = listed.get(tuple(sorted(settings.items())))
            rows.append(known or Row(label, settings=settings))
        return tuple(rows)


_SYMBOLS = {
    "learning_rate": "eta",
    "update_interval": "t_s",
    "initial_samples": "|M_0|",
    "memory_size": "K_max",
}


@cache
def targets() -> tuple[Target, ...]:
    """All of them, FRTM's first."""
    text = (Path(__file__).parent / "papers.toml").read_text(encoding="utf-8")
    return tuple(_target(table) for table in tomllib.loads(text)["target"])


def target_named(name: str) -> Target:
    """The target of a name.

    Raises:
        UsageError: there is none.
    """
    known = {target.name: target for target in targets()}
    if name not in known:
        raise UsageError(f"{name}: no such table or figure; {suggestion(name, known)} (--list shows all)")
    return known[name]


def _target(table: Mapping[str, Any]) -> Target:
    plain = {key: value for key, value in table.items() if key not in ("row", "sweep", "columns")}
    return Target(
        **plain,
        rows=tuple(_row(row) for row in table.get("row", ())),
        columns=tuple(table.get("columns", ("J",))),
        sweep={name: _numbers(values) for name, values in table.get("sweep", {}).items()},
    )


def _row(table: Mapping[str, Any]) -> Row:
    return Row(**{**table, "overrides": tuple(table.get("overrides", ()))})


def _numbers(values: Sequence[Number]) -> tuple[Number, ...]:
    return tuple(values)
