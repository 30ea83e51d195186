"""Tests job/request.py too."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.small import moving_discs, tiny_model
from vosctl.errors import MaskError, OutputError, UsageError
from vosctl.job.open_request import correction_of, open_request
from vosctl.job.pipeline import run_request
from vosctl.job.request import MaskAt, Request, default_output, name_of, parse_mask
from vosctl.systems.choice import ModelChoice
from vosctl.systems.settings import TrackerSettings


@pytest.fixture
def asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Request:
    monkeypatch.chdir(tmp_path)
    frames, labels = moving_discs(6)
    Path("clip").mkdir()
    for index, frame in enumerate(frames):
        Image.fromarray(frame).save(f"clip/{5 * index:03d}.png")
    Image.fromarray(labels[0]).save("first.png")
    return Request(
        Path("clip"), (MaskAt(0, Path("first.png")),), Path("out"), ModelChoice(), TrackerSettings()
    )


def test_everything_is_found_out_once(asked: Request) -> None:
    several = replace(asked, formats=("palette", "coco"))
    with open_request(several) as opened:
        assert {str(path): form.name for path, form in opened.places.items()} == {
            "out/palette": "palette",
            "out/coco.json": "coco",
        }
        assert opened.folder.path == Path("out/.vosctl")
        assert opened.record is None
        assert opened.model_choice == several.model
        assert opened.is_lasting
        assert np.array_equal(opened.label_maps[0] > 0, np.asarray(Image.open("first.png")) > 0)
    with open_request(replace(asked, output=Path("masks.mkv"), formats=("label-video",))) as opened:
        assert opened.folder.path == Path(".masks.mkv.vosctl")
    assert not Path("out").exists()


def test_a_run_that_goes_on_brings_its_record_and_its_dtype(asked: Request) -> None:
    with open_request(asked) as opened:
        run_request(opened, tiny_model())
    with open_request(replace(asked, resume=True)) as opened:
        assert opened.record is not None
        assert opened.model_choice.precision == "fp32"
        assert opened.done is not None
        assert opened.done["frames"] == 6
    with open_request(replace(asked, overwrite=True)) as opened:
        assert opened.record is None
        assert opened.done is None
    with pytest.raises(OutputError, match=r"out.*to go on with the run there: --resume"), open_request(asked):
        pass


def test_a_correction_is_the_run_s_request_with_another_mask(asked: Request) -> None:
    with open_request(asked) as opened:
        run_request(opened, tiny_model())
    request = correction_of(Path("out"), [MaskAt("015", Path("fix.png"))])
    assert (request.resume, request.correct) == (True, True)
    assert request.masks == (
        MaskAt(0, Path("out/.vosctl/given/00000000.png"), True),
        MaskAt(3, Path("fix.png"), True),
    )
    with pytest.raises(OutputError, match="holds no record of a run"):
        correction_of(Path("clip"), [])


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"masks": ()}, UsageError, r"--mask FILE.*vosctl mask clip.*--box"),
        (
            {"masks": (MaskAt(0, Path("none.png")),)},
            MaskError,
            r"none\.png: no such file.*vosctl mask.*--box",
        ),
        ({"masks": (MaskAt(0, Path("first.png")),) * 2}, UsageError, "a second mask for frame 0"),
        ({"masks": (MaskAt(7, Path("first.png")),)}, MaskError, "no frame 7 of clip.*named 000 to 025"),
        ({"formats": ("palette", "gif")}, UsageError, "gif"),
        ({"overlay": Path("o.txt")}, OutputError, r"o\.txt"),
        ({"output": Path("clip")}, Exception, "clip"),
    ],
)
def test_what_does_not_work_is_said_before_anything_is_written(
    asked: Request, change: dict[str, object], error: type[Exception], message: str
) -> None:
    before = sorted(Path().rglob("*"))
    with pytest.raises(error, match=message), open_request(replace(asked, **change)):
        pass
    assert sorted(Path().rglob("*")) == before


def test_a_mask_of_a_named_frame_is_of_that_frame(asked: Request) -> None:
    masks = tuple(parse_mask(text) for text in ("first.png", "015=first.png", "20=first.png"))
    with open_request(replace(asked, masks=masks)) as opened:
        assert list(opened.masks) == [0, 3, 4]


def test_opening_imports_no_torch(asked: Request) -> None:
    code = (
        "import sys; from pathlib import Path; from vosctl.job.request import *;"
        "from vosctl.job.open_request import open_request;"
        "from vosctl.systems.choice import ModelChoice; from vosctl.systems.settings import TrackerSettings;"
        "request = Request(Path('clip'), (MaskAt(0, Path('first.png')),), Path('out'), ModelChoice(),"
        " TrackerSettings());\n"
        "with open_request(request) as opened: sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_names_and_masks_as_people_write_them(tmp_path: Path) -> None:
    assert name_of(Path("a/b.c.mp4")) == "b.c"
    assert parse_mask("m.png") == MaskAt(0, Path("m.png"))
    assert parse_mask("60=a=b.png") == MaskAt(60, Path("a=b.png"))
    assert parse_mask("shot.1001=m.png") == MaskAt("shot.1001", Path("m.png"))
    assert parse_mask("folder/a=b.png") == MaskAt(0, Path("folder/a=b.png"))
    assert default_output(Path("x/a.mp4"), None, Path(), ("palette",)) == Path("a_masks")
    assert default_output(Path("x/a.mp4"), Path("o"), Path(), ("coco",)) == Path("o/a.json")
