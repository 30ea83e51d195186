import json
import os
import threading
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.cli.command import Command
from tests.small import moving_discs
from vosctl.masks.formats import FORMATS
from vosctl.masks.palette_folder import MaskWriter
from vosctl.masks.sources import MaskSource
from vosctl.media.clip import open_clip

EXACT = [form for form in FORMATS.values() if form.is_exact]


def place_of(name: str) -> str:
    suffixes = FORMATS[name].suffixes
    return f"out-{name}{suffixes[0] if suffixes else ''}"


@pytest.fixture
def labels(clip: Path) -> list[np.ndarray]:
    """clip_masks, palette PNGs of the clip; the maps in it."""
    maps = moving_discs(12, objects=2)[1]
    with MaskWriter(clip.parent / "clip_masks") as writer:
        for index, label in enumerate(maps):
            writer.write(f"{index:05d}", label)
    return maps


def test_between_all_exact_formats(vosctl: Command, labels: list[np.ndarray]) -> None:
    for one in EXACT:
        first = Path(place_of(one.name))
        result = vosctl("convert", "clip_masks", "-o", first, "--to", one.name)
        assert result.code == 0, result.err
        assert f"12 frames in {first}: {one.summary}" in result.err
        assert result.out == ""
        for other in EXACT:
            second = Path(f"again-{one.name}-{place_of(other.name)}")
            result = vosctl("convert", first, "-o", second, "--to", other.name, "-q")
            assert (result.code, result.err) == (0, "")
            for frame, expected in zip(MaskSource(second), labels, strict=True):
                np.testing.assert_array_equal(frame.labels, expected)


@pytest.mark.parametrize("name", ["yolo", "rgba", "alpha-prores", "alpha-ffv1", "cutout", "cutout:0000ff"])
def test_with_the_clip(vosctl: Command, clip: Path, labels: list[np.ndarray], name: str) -> None:
    place = place_of(name.split(":")[0])
    assert vosctl("convert", "clip_masks", "-o", place, "--to", name, "--clip", clip).code == 0
    if Path(place).is_dir():
        assert len([p for p in Path(place).iterdir() if p.stem not in ("classes", "data")]) == 12
        return
    with open_clip(Path(place)) as made, open_clip(clip) as source:
        assert [float(f.time or 0) for f in made] == pytest.approx(
            [float(f.time or 0) for f in source], abs=1e-3
        )


def test_times_come_from_the_clip(vosctl: Command, clip: Path, labels: list[np.ndarray]) -> None:
    assert vosctl("convert", "clip_masks", "-o", "m.json", "--to", "coco", "--clip", clip).code == 0
    with open_clip(clip) as source:
        expected = [float(frame.time or 0) for frame in source]
    assert [image["time"] for image in json.loads(Path("m.json").read_text())["images"]] == expected


def test_wrong_requests_are_one_line_and_write_nothing(vosctl: Command, clip: Path, labels: list) -> None:
    Path("file.json").write_text("precious")
    Path("full").mkdir()
    Path("full/keep.txt").write_text("x")
    Path("broken").mkdir()
    for index in range(3):
        Image.fromarray(labels[0][: 90 + index]).save(f"broken/{index}.png")
    before = sorted(Path().rglob("*"))
    short = ["clip_masks", "-o", "x.json", "--to"]
    cases: list[tuple[list[object], list[str]]] = [
        (["nowhere", "-o", "x.json", "--to", "coco"], ["nowhere does not exist", "folder of masks"]),
        ([clip, "-o", "x.json", "--to", "coco"], ["clip.mp4", "does not hold object ids"]),
        ([*short, "cooc"], ["cooc is not known", "did you mean coco"]),
        ([*short, "soft"], ["--to soft", "--format soft"]),
        ([*short, "rgba"], ["--to rgba", "--clip CLIP"]),
        ([*short, "numpy"], ["x.json", ".npz"]),
        ([*short, "cutout:blue"], ["cutout:00ff00"]),
        (["clip_masks", "-o", "file.json", "--to", "coco"], ["file.json exists", "--overwrite"]),
        (["clip_masks", "-o", "full", "--to", "binary"], ["full is not empty", "--overwrite"]),
        (["clip_masks", "-o", "full/keep.txt", "--to", "binary"], ["is a file"]),
        (["clip_masks", "-o", "no/x.json", "--to", "coco"], ["no folder no"]),
        (["clip_masks", "-o", "./clip_masks", "--to", "binary"], ["clip_masks is what is to be read"]),
        (
            ["clip_masks", "-o", clip, "--clip", clip, "--to", "cutout", "--overwrite"],
            ["is what is to be read"],
        ),
        (["broken", "-o", "x.json", "--to", "coco"], ["mask 1 is 160x91", "160x90"]),
        (["broken", "-o", "x.mov", "--to", "alpha-prores", "--clip", clip], ["160x90", "160x96"]),
        (["full", "-o", "x.json", "--to", "coco"], ["polygons are not read"]),
    ]
    for arguments, expected in cases:
        result = vosctl("convert", *arguments)
        assert result.code == 2, arguments
        for part in expected:
            assert part in result.error, (arguments, result.error)
    assert sorted(Path().rglob("*")) == before
    assert Path("file.json").read_text() == "precious"


def test_overwrite(vosctl: Command, labels: list[np.ndarray]) -> None:
    Path("m.npz").write_text("old")
    assert vosctl("convert", "clip_masks", "-o", "m.npz", "--to", "numpy", "--overwrite").code == 0
    assert len(list(MaskSource(Path("m.npz")))) == 12


def test_a_clip_that_breaks_off_keeps_what_came_before(vosctl: Command, clip: Path, labels: list) -> None:
    data = clip.read_bytes()
    Path("cut.mp4").write_bytes(data[: len(data) * 8 // 10])
    result = vosctl("convert", "clip_masks", "-o", "m.json", "--to", "coco", "--clip", "cut.mp4")
    assert result.code == 3
    assert "cut.mp4 breaks off" in result.error
    assert 0 < len(list(MaskSource(Path("m.json")))) < 12


def test_notes_are_told(vosctl: Command, labels: list[np.ndarray]) -> None:
    for name, area in (("1", np.s_[:5]), ("2", np.s_[3:9])):
        mask = np.zeros((20, 20), np.uint8)
        mask[area] = 255
        Path("objects", name).mkdir(parents=True)
        Image.fromarray(mask).save(f"objects/{name}/00000.png")
    assert "objects overlap" in vosctl("convert", "objects", "-o", "m.mkv", "--to", "label-video").err


def test_a_run_in_several_formats(vosctl: Command, clip: Path) -> None:
    options = [option for name in FORMATS for option in ("--format", name)]
    result = vosctl.tracking("segment", clip, "-m", "first.png", "--overlay", "o.mp4", *options)
    assert result.code == 0, result.err
    folder = Path("clip_masks")
    assert {p.name for p in folder.glob("[!.]*")} == {
        f"{form.name}{form.suffixes[0] if form.suffixes else ''}" for form in FORMATS.values()
    }
    assert vosctl.tracking("segment", clip, "-m", "first.png", "-o", "plain").code == 0
    plain = [frame.labels for frame in MaskSource(Path("plain"))]
    assert len(plain) == 12
    for form in EXACT:
        path = folder / f"{form.name}{form.suffixes[0] if form.suffixes else ''}"
        for frame, expected in zip(MaskSource(path), plain, strict=True):
            np.testing.assert_array_equal(frame.labels, expected)
    for name, white in (("soft", 255), ("soft16", 65535)):
        for index, expected in enumerate(plain):
            soft = {i: np.array(Image.open(folder / f"{name}/{i}/{index:05d}.png")) / white for i in (1, 2)}
            assert (soft[1][expected == 1] > 0.3).all()
            assert (soft[1][expected == 2] <= soft[2][expected == 2] + 0.01).all()
            assert (soft[1] + soft[2] < 1.01).all()
    with open_clip(folder / "cutout.mp4") as made:
        assert sum(1 for _ in made) == 12
    assert vosctl("convert", folder, "-o", "again.npz", "--to", "numpy").code == 0
    assert len(list(MaskSource(Path("again.npz")))) == 12
    assert vosctl("overlay", clip, "--masks", folder, "-o", "drawn.mp4").code == 0


def test_a_run_in_one_format(vosctl: Command, clip: Path) -> None:
    assert vosctl.tracking("segment", clip, "-m", "first.png", "--format", "coco").code == 0
    assert len(list(MaskSource(Path("clip_masks.json")))) == 12
    result = vosctl.tracking("segment", clip, "-m", "first.png", "--format", "binary", "-o", "out")
    assert result.code == 0
    assert "masks in out" in result.err
    assert sorted(p.name for p in Path("out").glob("[!.]*")) == ["1", "2"]
    for arguments, expected in (
        (["--format", "coco"], "clip_masks.json exists"),
        (["--format", "coco", "-o", "m.txt"], ".json"),
        (["--format", "cooc"], "did you mean coco"),
        (["--format", "rgba", "--format", "rgba"], "rgba is given twice"),
        (["-o", "m.mp4"], "palette is many files; name a folder, or a format that is one such file: cutout"),
        (["--format", "rgba", "--format", "coco", "-o", "m.png"], "several formats are many files"),
        (["--format", "rgba", "--format", "coco", "-o", "out"], "out is not empty"),
    ):
        result = vosctl.tracking("segment", clip, "-m", "first.png", *arguments)
        assert result.code == 2
        assert expected in result.error


def test_soft_masks_before_the_first_mask_and_of_a_late_object(vosctl: Command, clip: Path) -> None:
    truth = moving_discs(12, objects=2)[1]
    for object_id, frame in ((1, 3), (2, 6)):
        mask = np.where(truth[frame] == object_id, object_id, 0).astype(np.uint8)
        Image.fromarray(mask).save(f"{object_id}.png")
    masks = ["-m", "3=1.png", "-m", "6=2.png"]
    assert vosctl.tracking("segment", clip, *masks, "--format", "soft", "-o", "out").code == 0
    for object_id, first in ((1, 3), (2, 6)):
        pictures = [np.array(Image.open(f"out/{object_id}/{n:05d}.png")) for n in range(12)]
        assert not any(picture.any() for picture in pictures[:first])
        assert all(picture.max() > 100 for picture in pictures[first : first + 3])


def test_one_thing_on_standard_output(vosctl: Command, labels: list[np.ndarray]) -> None:
    result = vosctl("convert", "clip_masks", "-o", "-", "--to", "raw", "--json")
    assert result.code == 2
    assert json.loads(result.out)["error"].startswith("--json and --output - both want standard output")


def test_a_reader_that_has_had_enough(vosctl: Command, labels: list[np.ndarray]) -> None:
    os.mkfifo("pipe")

    def read() -> None:
        with Path("pipe").open("rb") as pipe:
            pipe.read(10)

    reader = threading.Thread(target=read)
    reader.start()
    result = vosctl("convert", "clip_masks", "-o", "pipe", "--to", "raw")
    reader.join(10)
    assert result.code == 0, result.err
