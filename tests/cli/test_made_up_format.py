"""A format of masks is one spec: made up here, it is written by `segment` and `convert`, and read back."""

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from tests.cli.command import Command, Result
from tests.cli.small_runs import discs, labels_in, write_clip_and_mask
from vosctl.files import atomic_path
from vosctl.masks import formats
from vosctl.masks.formats import FORMATS, FormatTable
from vosctl.masks.notes import Note
from vosctl.masks.spec import Format, Reader, has_suffix
from vosctl.masks.writer import ExportWriter, LabelledFrame
from vosctl.media.frame import ClipInfo


class RowsWriter(ExportWriter):
    """Writes a line of text a row of pixels, and an empty line after each frame."""

    def __init__(self, path: Path, _: ClipInfo) -> None:
        super().__init__()
        self._path = path
        self._lines: list[str] = []

    def _add(self, frame: LabelledFrame) -> None:
        self._lines += [" ".join(map(str, row)) for row in frame.labels.tolist()] + [""]

    def _close(self, error: BaseException | None, keep: bool) -> None:
        if keep:
            with atomic_path(self._path) as temporary:
                temporary.write_text("\n".join(self._lines), encoding="utf-8")


def read_rows(path: Path, _: Note) -> Iterator[LabelledFrame]:
    for index, text in enumerate(path.read_text(encoding="utf-8").rstrip().split("\n\n")):
        rows = [[int(number) for number in line.split()] for line in text.splitlines()]
        yield LabelledFrame(np.array(rows, np.uint8), f"{index:05d}")


ROWS = Format(
    "rows",
    "ids as text",
    RowsWriter,
    (".rows",),
    is_exact=True,
    reader=Reader("rows of text", has_suffix(".rows"), read_rows),
)


@pytest.fixture(autouse=True)
def rows() -> Iterator[None]:
    FORMATS.register(ROWS)
    yield
    FORMATS._known.pop("rows")


def test_it_is_written_by_segment_and_read_by_inspect(
    segment: Callable[..., Result], vosctl: Command, tmp_path: Path
) -> None:
    write_clip_and_mask(tmp_path)
    both = ("--format", "rows", "--format", "palette")
    result = segment("clip.mp4", "--mask", "first.png", "-o", "out", *both)
    assert result.code == 0, result.err
    masks = labels_in(Path("out/palette"))
    assert len(masks) == 12
    np.testing.assert_array_equal([f.labels for f in read_rows(Path("out/rows.rows"), print)], masks)
    shown = vosctl("inspect", "out/rows.rows", "--json").out
    assert '"rows of text"' in shown


def test_it_is_written_and_read_by_convert(vosctl: Command) -> None:
    labels = discs(3)[1]
    np.savez("first.npz", labels=np.stack(labels))
    assert vosctl("convert", "first.npz", "-o", "a.rows", "--to", "rows").code == 0
    assert vosctl("convert", "a.rows", "-o", "again.npz", "--to", "numpy").code == 0
    np.testing.assert_array_equal(np.load("again.npz")["labels"], labels)
    assert "name it with the suffix .rows" in vosctl("convert", "a.rows", "-o", "b.txt", "--to", "rows").error
    assert "rows" in vosctl("convert", "a.rows", "-o", "b.x", "--to", "xyzzy").error


def test_the_table_imports_a_format_when_it_is_asked_for() -> None:
    table = FormatTable({"raw": "raw_labels", "nothing": "there_is_no_such_file"})
    assert list(table) == ["raw", "nothing"]
    assert len(table) == 2
    assert table["raw"].name == "raw"
    with pytest.raises(KeyError):
        table["rows"]


def test_each_file_names_the_formats_that_the_table_says_it_has() -> None:
    for name, form in formats.FORMATS.items():
        assert form.name == name
        assert form.needs_soft == (name not in formats.names_without_probabilities())
