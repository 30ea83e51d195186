"""The log of a run: one JSON object a line."""

import json
from pathlib import Path
from typing import Any

from vosctl.errors import WeightsError
from vosctl.files import atomic_path, output_error


class TrainingLog:
    """Appends lines to a file; each has a `step`.

    Args:
        path: the file.
        resume_at: the step from which the run goes on. Lines of later steps are dropped, as these steps are
            repeated; 0 starts anew.
    """

    def __init__(self, path: Path, resume_at: int = 0) -> None:
        self.path = path
        kept = [line for line in read_log(path) if line["step"] <= resume_at] if resume_at else []
        with atomic_path(path) as temporary:
            temporary.write_text("".join(json.dumps(line) + "\n" for line in kept), encoding="utf-8")

    def write(self, **values: Any) -> None:
        """Add a line.

        Raises:
            OutputError: the file cannot be written.
        """
        rounded = {k: float(f"{v:.6g}") if isinstance(v, float) else v for k, v in values.items()}
        try:
            with self.path.open("a", encoding="utf-8") as file:
                file.write(json.dumps(rounded) + "\n")
        except OSError as error:
            raise output_error(self.path, error) from error


def read_log(path: Path) -> list[dict[str, Any]]:
    """The lines of a log; none where there is no file. A last line that broke off is left out.

    Raises:
        WeightsError: another line is no JSON object with a step.
    """
    if not path.is_file():
        return []
    lines = path.read_text(encoding="utf-8").splitlines()
    values = []
    for number, line in enumerate(lines, 1):
        try:
            value = json.loads(line)
        except ValueError:
            value = None
        if isinstance(value, dict) and "step" in value:
            values.append(value)
        elif number < len(lines):
            raise WeightsError(f"{path}, line {number}: not a line of a training log; remove the line")
    return values
