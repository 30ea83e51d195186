"""Tests masks/table.py and masks/measures.py."""

import csv
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from tests.masks.small import info_of
from vosctl.errors import OutputError
from vosctl.masks import table
from vosctl.masks.formats import FORMATS
from vosctl.masks.measures import measure
from vosctl.masks.writer import LabelledFrame

LABELS = np.zeros((10, 12), np.uint8)
LABELS[2:5, 3:9] = 7
LABELS[8, 0] = 9


def write(path: Path) -> None:
    with FORMATS["csv"].open(path, info_of([LABELS])) as writer:
        names, sure = {7: 'a "dog", small'}, {7: 0.87654, 9: float("nan")}
        writer.write(LabelledFrame(LABELS, "1001", Fraction(1, 4), names=names, confidences=sure))
        writer.write(LabelledFrame(np.where(LABELS == 7, LABELS, 0), "1002", names=names))


def test_what_is_measured() -> None:
    found = measure(LABELS, 7)
    assert found is not None
    assert (found.left, found.top, found.width, found.height, found.area) == (3, 2, 6, 3, 18)
    assert (found.centroid_x, found.centroid_y) == (6.0, 3.5)
    assert measure(LABELS, 1) is None


def test_rows(tmp_path: Path) -> None:
    write(tmp_path / "a.csv")
    with (tmp_path / "a.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert tuple(rows[0]) == table.COLUMNS
    assert list(rows[0].values()) == [
        *("0", "1001", "0.25", "7", 'a "dog", small', "3", "2", "6", "3", "6.0", "3.5", "18", "0.8765", "1")
    ]
    assert [(row["frame"], row["object"], row["visible"], row["area"]) for row in rows] == [
        ("0", "7", "1", "18"),
        ("0", "9", "1", "1"),
        ("1", "7", "1", "18"),
        ("1", "9", "0", "0"),
    ]
    assert rows[1]["confidence"] == rows[3]["left"] == rows[2]["time"] == ""


def test_parquet(tmp_path: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    write(tmp_path / "a.parquet")
    rows = parquet.read_table(str(tmp_path / "a.parquet")).to_pylist()
    assert rows[0]["centroid_y"] == 3.5
    assert rows[3] == {**dict.fromkeys(table.COLUMNS), **rows[3]}
    assert (rows[3]["area"], rows[3]["left"], rows[3]["visible"]) == (0, None, 0)


def test_parquet_without_pyarrow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: str) -> None:
        raise ImportError

    monkeypatch.setattr(table, "import_module", refuse)
    with pytest.raises(OutputError, match="Parquet needs pyarrow"):
        write(tmp_path / "a.parquet")
    assert not list(tmp_path.iterdir())
