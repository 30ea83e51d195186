"""Format `csv`: a row for each object of each frame, as CSV or, named `.parquet`, as Parquet."""

import csv
import io
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from vosctl.errors import OutputError
from vosctl.files import atomic_path
from vosctl.masks.measures import measure
from vosctl.masks.spec import Format
from vosctl.masks.writer import ExportWriter, LabelledFrame
from vosctl.media.frame import ClipInfo

COLUMNS = (
    "frame",
    "name",
    "time",
    "object",
    "label",
    "left",
    "top",
    "width",
    "height",
    "centroid_x",
    "centroid_y",
    "area",
    "confidence",
    "visible",
)
"""Number and name of the frame, its seconds, id and name of the object, pixels, 0 to 1, 0 or 1."""


class TableWriter(ExportWriter):
    """Writes a row for each object that has been seen, or is known to the tracker, in each frame."""

    def __init__(self, path: Path, source: ClipInfo) -> None:
        super().__init__()
        self._path, self._number = path, source.numbering.number
        self._is_parquet = path.suffix.lower() == ".parquet"
        if self._is_parquet:
            _pyarrow()  # now, not when all is done
        self._frames = 0
        self._seen: set[int] = set()
        self._rows: list[tuple[Any, ...]] = []

    def _add(self, frame: LabelledFrame) -> None:
        ids = np.flatnonzero(np.bincount(frame.labels.ravel())).tolist()
        self._seen |= {one for one in ids if one} | set(frame.confidences or ())
        number = self._number(self._frames)
        time = float(frame.time) if frame.time is not None else None
        for object_id in sorted(self._seen):
            found = measure(frame.labels, object_id)
            place = (
                (
                    found.left,
                    found.top,
                    found.width,
                    found.height,
                    round(found.centroid_x, 3),
                    round(found.centroid_y, 3),
                    found.area,
                )
                if found
                else (None, None, None, None, None, None, 0)
            )
            confidence = (frame.confidences or {}).get(object_id)
            known = None if confidence is None or np.isnan(confidence) else round(float(confidence), 4)
            label = frame.names.get(object_id)
            self._rows.append(
                (
                    number,
                    frame.stem,
                    time,
                    object_id,
                    label,
                    *place,
                    known,
                    int(found is not None),
                )
            )
        self._frames += 1

    def _close(self, error: BaseException | None, keep: bool) -> None:
        if not keep:
            return
        with atomic_path(self._path) as temporary:
            if self._is_parquet:
                _write_parquet(temporary, self._rows)
                return
            text = io.StringIO()
            writer = csv.writer(text, lineterminator="\n")
            writer.writerow(COLUMNS)
            writer.writerows(self._rows)
            temporary.write_text(text.getvalue(), encoding="utf-8")


def _pyarrow() -> Any:
    try:
        return import_module("pyarrow")
    except ImportError as error:
        raise OutputError(
            "Parquet needs pyarrow, which is not installed: pip install pyarrow, or name a .csv"
        ) from error


def _write_parquet(path: Path, rows: list[tuple[Any, ...]]) -> None:
    arrow = _pyarrow()
    kinds = {
        **dict.fromkeys(COLUMNS, arrow.int64()),
        **dict.fromkeys(("name", "label"), arrow.string()),
        **dict.fromkeys(("time", "centroid_x", "centroid_y", "confidence"), arrow.float64()),
    }
    columns = {name: arrow.array([row[at] for row in rows], kinds[name]) for at, name in enumerate(COLUMNS)}
    import_module("pyarrow.parquet").write_table(arrow.table(columns), str(path))


FORMATS = (Format("csv", "table of boxes, centroids, areas", TableWriter, (".csv", ".parquet")),)
