"""`--start`, `--end`, `--every`, `--first-number` and `--fps` in the commands that take them."""

import json
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.cli.command import Command, Result
from tests.small import moving_discs
from vosctl.masks.sources import MaskSource
from vosctl.media.clip import open_clip
from vosctl.media.palette import save_palette_png

Segment = Callable[..., Result]


def names(folder: str) -> list[str]:
    return sorted(path.name for path in Path(folder).glob("*.png"))


def test_masks_count_in_the_numbers_of_the_clip(vosctl: Command, clip: Path, segment: Segment) -> None:
    maps = moving_discs(12, objects=2)[1]
    save_palette_png(Path("at4.png"), maps[4])
    save_palette_png(Path("at8.png"), maps[8])
    given = (clip, "--mask", "at4.png", "--mask", "8=at8.png", "-o", "out", "--start", 4, "--end", 10)
    result = segment(*given, "--every", 2, "--overlay", "o.mp4", "--report", "r.json")
    assert result.code == 0, result.err
    assert names("out") == [f"{n:05d}.png" for n in (4, 6, 8, 10)]
    np.testing.assert_array_equal(np.array(Image.open("out/00004.png")), maps[4])
    np.testing.assert_array_equal(np.array(Image.open("out/00008.png")), maps[8])
    with open_clip(Path("o.mp4")) as made:
        assert [round(float(frame.time or 0), 2) for frame in made] == [0, 0.08, 0.16, 0.24]
    frames = json.loads(Path("r.json").read_text())["per_frame"]
    assert [frame["name"] for frame in frames] == ["00004", "00006", "00008", "00010"]
    assert "nothing to resume" in segment(*given, "--every", 2, "--overlay", "o.mp4", "--resume").err
    assert "the part of the clip" in segment(*given, "--overlay", "o.mp4", "--resume").error
    fixed = vosctl("segment", "--from-run", "out", "--mask", "6=at8.png", "--device", "cpu")
    assert fixed.code == 0, fixed.err
    np.testing.assert_array_equal(np.array(Image.open("out/00006.png")), maps[8])
    wrong = segment(clip, "--mask", "5=at4.png", "--start", 4, "--every", 2, "-o", "new")
    assert "frame 5 is not in the part" in wrong.error


def test_first_numbers_and_rates(vosctl: Command, clip: Path, segment: Segment) -> None:
    result = segment(clip, "--mask", "1001=first.png", "--first-number", 1001, "--end", 1003, "-o", "out")
    assert result.code == 0, result.err
    assert names("out") == ["1001.png", "1002.png", "1003.png"]
    Path("frames").mkdir()
    with open_clip(clip) as source:
        for frame in source:
            Image.fromarray(frame.rgb).save(f"frames/{frame.stem}.png")
    given = (
        "frames",
        "--mask",
        "first.png",
        "-o",
        "m.json",
        "--format",
        "coco",
        "--fps",
        "24",
        "--overlay",
        "o.mp4",
    )
    assert segment(*given).code == 0
    times = [image["time"] for image in json.loads(Path("m.json").read_text())["images"]]
    assert times == pytest.approx([n / 24 for n in range(12)])
    with open_clip(Path("o.mp4")) as made:
        assert made.info.rate == Fraction(24)
    assert "--fps is for folders" in segment(clip, "--mask", "first.png", "--fps", "24", "-o", "x").error


def test_parts_in_convert_overlay_and_inspect(vosctl: Command, clip: Path, segment: Segment) -> None:
    assert segment(clip, "--mask", "first.png", "-o", "all").code == 0
    assert vosctl("convert", "all", "-o", "some", "--to", "palette", "--start", 3, "--end", 5).code == 0
    assert names("some") == ["00003.png", "00004.png", "00005.png"]
    for masks in ("all", "some"):  # those of the whole clip fit as well as the part's own
        result = vosctl("overlay", clip, "--masks", masks, "-o", f"{masks}.mp4", "--start", 3, "--end", 5)
        assert result.code == 0, result.err
        with open_clip(Path(f"{masks}.mp4")) as made:
            assert len(list(made)) == 3
    given = (
        "convert",
        "all",
        "-o",
        "m.json",
        "--to",
        "coco",
        "--clip",
        clip,
        "--start",
        "0.2s",
        "--every",
        3,
    )
    assert vosctl(*given).code == 0
    assert [frame.stem for frame in MaskSource(Path("m.json"))] == ["00005", "00008", "00011"]
    found = json.loads(vosctl("inspect", clip, "--start", 2, "--every", 5, "--json").out)
    assert found["frames"] == 2
    found = json.loads(vosctl("inspect", "all", "--end", 3, "--json").out)
    assert found["frames"] == 4
