"""`index.html`: a target's table and pictures, for a person; its layout stands in `page.html`."""

from pathlib import Path

from vosctl.evaluation.pages import template_room
from vosctl.files import atomic_path
from vosctl.reproduction.outcome import Outcome


def write_page(outcome: Outcome, folder: Path) -> Path:
    """Write the page, which shows the pictures that lie beside it.

    Raises:
        OutputError: it cannot be written.
    """
    room = template_room("vosctl.reproduction")
    room.filters["figure"] = lambda value: f"{value:.1f}" if abs(value) >= 10 else f"{value:.3g}"
    text = room.get_template("page.html").render(outcome=outcome)
    path = folder / "index.html"
    with atomic_path(path) as temporary:
        temporary.write_text(text, encoding="utf-8")
    return path
