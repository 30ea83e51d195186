from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from vosctl.errors import ClipError, MaskError, UsageError
from vosctl.masks.positions import WHOLE, Part, open_part, parse_rate, parse_time, part_of
from vosctl.masks.writer import LabelledFrame


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for index in range(12):
        Image.new("RGB", (6, 4)).save(tmp_path / f"shot.{1001 + index}.png")
    return tmp_path


def stems(folder: Path, **options: object) -> list[str]:
    return [frame.stem for frame in open_part(folder, Part(**options))]  # type: ignore[arg-type]


def test_positions_are_numbers_names_or_times(folder: Path) -> None:
    assert stems(folder, start="1003", end="1005") == ["shot.1003", "shot.1004", "shot.1005"]
    assert stems(folder, start="shot.1011") == ["shot.1011", "shot.1012"]
    assert stems(folder, start="0.25s", end="0:00.5", fps="12") == ["shot.1004", "shot.1005", "shot.1006"]
    assert stems(folder, every=5) == ["shot.1001", "shot.1006", "shot.1011"]
    assert stems(folder, first_number=7, start="10", end="11") == ["0010", "0011"]
    assert stems(folder, end="0.3s", fps="10") == ["shot.1001", "shot.1002", "shot.1003"]


def test_what_is_no_position_is_refused(folder: Path) -> None:
    for options, message in (
        ({"start": "1030"}, "there is no frame 1030"),
        ({"start": "x"}, "x is no frame"),
        ({"start": "1s"}, "have no times; give --fps"),
        ({"start": "1005", "end": "1003"}, "name an end after the start"),
        ({"first_number": 7, "start": "3"}, "has no frames there"),
        ({"first_number": 7, "start": "shot.1003"}, "give a number"),
        ({"fps": "0"}, "--fps 0"),
        ({"fps": "fast"}, "--fps fast"),
    ):
        with pytest.raises(UsageError, match=message):
            open_part(folder, Part(**options))  # type: ignore[arg-type]
    with pytest.raises(ClipError, match="--start names"):
        open_part(folder, Part(start="9s", fps="12"))


def test_rates_and_times() -> None:
    assert parse_rate("23.976") == Fraction(24000, 1001)
    assert parse_rate("29.97") == Fraction(30000, 1001)
    assert parse_rate("24000/1001") == Fraction(24000, 1001)
    assert parse_rate("24") == 24
    assert parse_time("1:02:03.5") == Fraction(7447, 2)
    assert parse_time("02:03") == 123
    assert parse_time("12") is None


def test_parts_of_masks() -> None:
    labels = np.ones((2, 3), np.uint8)
    frames = [LabelledFrame(labels, f"{n:05d}", Fraction(n, 10)) for n in range(20)]

    def chosen(**options: object) -> list[str]:
        part = Part(**options)  # type: ignore[arg-type]
        return [frame.stem for frame in part_of(lambda: frames, part, Path("m"))]

    assert chosen(start="4", end="0.7s") == ["00004", "00005", "00006"]
    assert chosen(every=8) == ["00000", "00008", "00016"]
    assert chosen(first_number=1001, start="1018") == ["1018", "1019", "1020"]
    with pytest.raises(UsageError, match="there is no frame 99"):
        chosen(start="99")
    with pytest.raises(MaskError, match="has no masks in the part --start 5s"):
        chosen(start="5s")


def test_as_text() -> None:
    assert Part("1", "2", 3, 4, "24").text == "--start 1 --end 2 --every 3 --first-number 4 --fps 24"
    assert WHOLE.text == ""
    assert Part(fps="24").is_whole
