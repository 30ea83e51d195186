"""Tests systems/choice.py too, beside what it is named after."""

from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from tests.small import tiny_model
from vosctl.errors import OutputError
from vosctl.job.request import MaskAt, Request
from vosctl.job.resume.record import Record, conditions_of, describe_request, model_conditions
from vosctl.media.clip import open_clip
from vosctl.systems.choice import ModelChoice
from vosctl.systems.settings import TrackerSettings


@pytest.fixture
def asked(tmp_path: Path) -> Request:
    folder = tmp_path / "frames"
    folder.mkdir()
    for index in range(3):
        Image.new("RGB", (40, 30), (index, 0, 0)).save(folder / f"{index}.png")
    choice = ModelChoice("frtm-rn18", backbone_weights=None, precision="auto")
    settings = TrackerSettings(window=4, max_size=320)
    masks = (MaskAt(2, Path("m.png"), is_index=True),)
    return Request(
        clip=folder,
        masks=masks,
        output=tmp_path / "out",
        formats=("coco", "soft"),
        overlay=tmp_path / "o.mp4",
        model=choice,
        settings=settings,
        both_ways=True,
    )


def record_of(asked: Request) -> Record:
    model = tiny_model()
    with open_clip(asked.clip) as clip:
        conditions = conditions_of(asked, clip.info) | model_conditions(asked.model, model)
    return Record(describe_request(asked), conditions, {2: "ab"}, keep=1)


def test_a_record_says_how_to_do_it_again(asked: Request, tmp_path: Path) -> None:
    record = record_of(asked)
    record.write(tmp_path / "run.json")
    read = Record.read(tmp_path / "run.json")
    assert read.masks == {2: "ab"}
    again = read.to_request(asked.output, {2: Path("m.png")})
    for name in ("clip", "masks", "output", "formats", "overlay", "settings", "both_ways"):
        assert getattr(again, name) == getattr(asked, name), name
    assert again.model.name == "frtm-rn18"
    assert again.model.precision == "fp32"  # that of the run, not what auto would choose now
    assert read.with_precision(asked.model).precision == "fp32"
    assert read.with_precision(ModelChoice(precision="bf16")).precision == "bf16"
    read.check(record_of(asked).conditions, asked.output)


def test_a_clip_is_known_by_its_content(asked: Request) -> None:
    record = record_of(asked)
    moved = asked.clip.rename(asked.clip.with_name("elsewhere"))
    there = replace(asked, clip=moved)
    record.check(record_of(there).conditions, asked.output)
    Image.new("RGB", (40, 30), (9, 9, 9)).save(moved / "2.png")
    with pytest.raises(OutputError, match=r"out: the clip is 40x30.*3 images"):
        record.check(record_of(there).conditions, asked.output)


def test_damaged_and_foreign_records(asked: Request, tmp_path: Path) -> None:
    path = tmp_path / "run.json"
    for text in ("", "[]", "{}", '{"format": 1}'):
        path.write_text(text)
        with pytest.raises(OutputError, match=r"run\.json"):
            Record.read(path)
    record_of(asked).write(path)
    path.write_text(path.read_text().replace('"version": "', '"version": "9'))
    with pytest.raises(OutputError, match="another version"):
        Record.read(path)
    with pytest.raises(OutputError, match="damaged"):
        Record({}, {}, {}).to_request(tmp_path, {})
