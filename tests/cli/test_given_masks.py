"""First masks in the forms of annotation tools, and the names of objects, from the command line."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.cli.command import Command, Result
from tests.small import moving_discs
from vosctl.masks.formats import find_format
from vosctl.masks.sources import MaskSource
from vosctl.masks.writer import LabelledFrame
from vosctl.media.clip import open_clip

Segment = Callable[..., Result]
NAMES = {1: "ball", 2: "dot"}


def annotate(clip: Path, name: str, place: str, frames: tuple[int, ...]) -> None:
    """The true masks of some frames in a form of annotations."""
    maps = moving_discs(12, objects=2)[1]
    with open_clip(clip) as source, find_format(name).open(Path(place), source.info) as writer:
        for frame in frames:
            writer.write(LabelledFrame(maps[frame], f"{frame:05d}", names=NAMES))


def test_a_file_of_annotations_is_a_first_mask_and_its_names_are_kept(clip: Path, segment: Segment) -> None:
    annotate(clip, "labelme", "given", (0, 6))
    formats = ["coco", "labelme", "cvat", "youtube-vis", "label-studio", "datumaro", "mots", "yolo"]
    result = segment(
        clip, "--mask", "given", "-o", "out", *[part for one in formats for part in ("--format", one)]
    )
    assert result.code == 0, result.err
    assert "LabelMe JSON; polygons were filled" in result.err
    assert "objects 1 (ball), 2 (dot)" in result.err
    assert "from frame 6 on" in result.err
    first = next(iter(MaskSource(Path("out/coco.json")))).labels
    truth = moving_discs(12, objects=2)[1][0]
    assert (first == truth).mean() > 0.98
    for place in (
        "coco.json",
        "labelme",
        "cvat.xml",
        "youtube-vis.json",
        "label-studio.json",
        "datumaro.json",
    ):
        source = MaskSource(Path("out") / place)
        assert len(list(source)) == 12, place
        assert source.names == NAMES, place
    assert Path("out/yolo/classes.txt").read_text().split() == ["ball", "dot"]
    record = json.loads(Path("out/.vosctl/run.json").read_text())
    assert record["request"]["labels"] == {"1": "ball", "2": "dot"}


def test_names_of_the_command_line_go_before_those_of_the_file(clip: Path, segment: Segment) -> None:
    annotate(clip, "coco", "given.json", (0,))
    given = (clip, "--mask", "given.json", "--name", "2=small dog", "-o", "out.json", "--format", "coco")
    assert segment(*given).code == 0
    categories = json.loads(Path("out.json").read_text())["categories"]
    assert [one["name"] for one in categories] == ["ball", "small dog"]
    assert "nothing to resume" in segment(*given, "--resume").err
    assert "--name is" in segment(*given, "--name", "1=cat", "--resume").error


def test_a_correction_knows_the_names_of_the_run(vosctl: Command, clip: Path, segment: Segment) -> None:
    annotate(clip, "labelme", "given", (0,))
    assert segment(clip, "--mask", "given", "-o", "out").code == 0
    document = json.loads(Path("given/00000.json").read_text())
    document["shapes"] = [{**one, "group_id": None} for one in document["shapes"] if one["label"] == "dot"]
    Path("fix.json").write_text(json.dumps(document))
    result = vosctl("segment", "--from-run", "out", "--mask", "5=fix.json", "--device", "cpu")
    assert result.code == 0, result.err
    assert "object 2 (dot), 160x96, from frame 5 on" in result.err  # alone in its file it would be object 1


@pytest.mark.parametrize("text", ["dog", "0=dog", "300=dog", "1=", "1=a\nb"])
def test_names_that_are_none(vosctl: Command, clip: Path, text: str) -> None:
    assert "--name" in vosctl("segment", clip, "--mask", "first.png", "--name", text).error


def test_names_in_convert(vosctl: Command, clip: Path) -> None:
    result = vosctl("convert", "first.png", "-o", "m.json", "--to", "coco", "--name", "1=dog")
    assert result.code == 0, result.err
    source = MaskSource(Path("m.json"))
    assert len(list(source)) == 1
    assert source.names == {1: "dog"}


def test_an_inverted_mask(clip: Path, segment: Segment) -> None:
    labels = np.array(Image.open("first.png")) == 1
    Image.fromarray(np.where(labels, 0, 255).astype(np.uint8)).save("inverted.png")
    assert "--invert" in segment(clip, "--mask", "inverted.png").error
    result = segment(clip, "--mask", "inverted.png", "--invert")
    assert result.code == 0, result.err
    np.testing.assert_array_equal(np.array(Image.open("clip_masks/00000.png")) == 1, labels)


def test_masks_from_finds_any_form(clip: Path, segment: Segment) -> None:
    Path("masks").mkdir()
    annotate(clip, "coco", "masks/clip.json", (0,))
    other = Path("other.mp4")
    other.write_bytes(clip.read_bytes())
    annotate(clip, "cvat", "masks/other.xml", (0, 1))
    result = segment(clip, other, "--masks-from", "masks", "-o", "out")
    assert result.code == 0, result.err
    assert len(list(Path("out/other").glob("*.png"))) == 12
    Path("masks/clip.png").write_bytes(Path("first.png").read_bytes())
    assert "there are both" in segment(clip, other, "--masks-from", "masks", "-o", "again").err
