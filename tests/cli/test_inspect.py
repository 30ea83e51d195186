import json
import shutil
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.cli.command import Command
from tests.media.test_containers import make_two_streams
from tests.small import moving_discs
from vosctl.masks.palette_folder import MaskWriter
from vosctl.media.clip import ClipInfo
from vosctl.media.palette import save_palette_png
from vosctl.media.video_writer import VideoWriter
from vosctl.systems.weights_file import write_weights


@pytest.fixture
def labels(clip: Path) -> list[np.ndarray]:
    """clip_masks, palette PNGs of the clip, without object 2 in the first 3 frames; the maps in it."""
    maps = moving_discs(12, objects=2)[1]
    for label in maps[:3]:
        label[label == 2] = 0
    with MaskWriter(clip.parent / "clip_masks") as writer:
        for index, label in enumerate(maps):
            writer.write(f"{index:05d}", label)
    return maps


def test_a_clip(vosctl: Command, clip: Path) -> None:
    result = vosctl("inspect", clip, "--json")
    assert result.code == 0
    found = json.loads(result.out)
    assert found == {
        "exit_code": 0,
        "error": None,
        "kind": "clip",
        "path": str(clip),
        "form": "video",
        "width": 160,
        "height": 96,
        "frames": 12,
        "frames_per_second": 25.0,
        "is_variable": False,
        "seconds": pytest.approx(12 / 25),
        "rotation": 0,
        "pixel_aspect": None,
        "has_audio": False,
        "broken": None,
    }
    table = vosctl("inspect", clip).out
    assert "frames per second" in table
    assert "160" in table


def test_variable_times_and_a_folder(vosctl: Command) -> None:
    frames, _ = moving_discs(4)
    info = ClipInfo(Path("odd.mkv"), 160, 96, 4, Fraction(25), has_audio=False, is_folder=False)
    with VideoWriter(info.path, info) as video:
        for index, frame in enumerate(frames):
            video.write(frame, Fraction(index * index, 25))
    found = json.loads(vosctl("inspect", "odd.mkv", "--json").out)
    assert (found["frames"], found["is_variable"]) == (4, True)
    Path("images").mkdir()
    for index, frame in enumerate(frames):
        Image.fromarray(frame).save(f"images/{index}.png")
    found = json.loads(vosctl("inspect", "images", "--json").out)
    assert (found["form"], found["frames"], found["seconds"]) == ("folder of images", 4, None)


def test_masks(vosctl: Command, labels: list[np.ndarray]) -> None:
    result = vosctl("inspect", "clip_masks", "--json")
    found = json.loads(result.out)
    assert (found["kind"], found["form"], found["frames"]) == ("masks", "folder of masks", 12)
    one, two = found["objects"]
    assert (one["id"], one["first"], one["last"], one["frames"]) == (1, 0, 11, 12)
    assert (two["id"], two["first"], two["last"], two["frames"]) == (2, 3, 11, 9)
    assert two["areas"] == [int((label == 2).sum()) for label in labels]
    table = vosctl("inspect", "clip_masks").out
    assert "   █████████" in table  # object 2: nothing in three frames, then as large as ever
    mean = np.mean([(label == 2).mean() for label in labels[3:]])
    assert f"{100 * mean:.2f} %" in table


def test_contact_sheets(vosctl: Command, clip: Path, labels: list[np.ndarray]) -> None:
    for arguments in ([clip], ["clip_masks"], ["clip_masks", "--clip", clip]):
        assert vosctl("inspect", *arguments, "--contact-sheet", "s.png", "--overwrite").code == 0
        with Image.open("s.png") as sheet:
            assert sheet.size == (6 * 164 + 4, 2 * 114 + 4)
            tile = np.asarray(sheet)[4:100, 4:164]
        if arguments == ["clip_masks"]:
            assert (tile[labels[0] == 0] == 0).all()
            assert (tile[labels[0] == 1] == (128, 0, 0)).all()
        else:
            assert tile.mean() > 50


def test_a_run(vosctl: Command, clip: Path) -> None:
    options = ["--format", "coco", "--format", "binary", "--report", "report.json"]
    assert vosctl.tracking("segment", clip, "-m", "first.png", *options).code == 0
    found = json.loads(vosctl("inspect", "clip_masks", "--json").out)
    assert (found["kind"], found["frames"], found["path"]) == ("masks", 12, "clip_masks/binary")
    found = json.loads(vosctl("inspect", "report.json", "--json").out)
    assert (found["kind"], found["frames"], found["objects"]) == ("run", 12, [1, 2])
    assert "precision" in vosctl("inspect", "report.json").out


def test_a_clip_that_breaks_off(vosctl: Command, clip: Path) -> None:
    data = clip.read_bytes()
    Path("cut.mp4").write_bytes(data[: len(data) * 8 // 10])
    result = vosctl("inspect", "cut.mp4", "--json", "--contact-sheet", "s.png")
    assert result.code == 3
    assert "cut.mp4 breaks off" in result.error
    found = json.loads(result.out)
    assert 0 < found["frames"] < 12
    assert "breaks off" in found["broken"]
    assert (found["exit_code"], found["error"]) == (3, found["broken"])
    assert Path("s.png").exists()


def test_what_cannot_be_inspected(vosctl: Command, clip: Path, labels: list[np.ndarray]) -> None:
    Path("broken.json").write_text("{")
    Path("empty").mkdir()
    Path("text.mp4").write_text("no video")
    Path("run.json").write_text('{"clip": "a", "frames": 1, "model": "m", "version": "0"}')
    cases: list[tuple[list[object], str]] = [
        (["nowhere.mp4"], "nowhere.mp4 does not exist"),
        (["broken.json"], "is not JSON"),
        (["empty"], "empty holds no masks"),
        (["text.mp4"], "not a video"),
        (["clip_masks", "--contact-sheet", "s.jpg"], "name it with the suffix .png"),
        (["clip_masks", "--contact-sheet", "first.png"], "first.png exists"),
        (["run.json", "--contact-sheet", "s.png"], "is a report"),
        ([clip, "--clip", clip], "--clip is for masks"),
    ]
    for arguments, expected in cases:
        result = vosctl("inspect", *arguments)
        assert result.code == 2, arguments
        assert expected in result.error
        assert result.out == ""


def test_a_run_shows_its_confidences(vosctl: Command, clip: Path) -> None:
    assert vosctl.tracking("segment", clip, "-m", "first.png", "-o", "out", "--report", "r.json").code == 0
    shown = vosctl("inspect", "out")
    assert shown.code == 0
    assert "confidence" in shown.out
    found = json.loads(vosctl("inspect", "out", "--json").out)
    report = json.loads(Path("r.json").read_text())
    for one in found["objects"]:
        values = [frame["objects"][str(one["id"])]["confidence"] for frame in report["per_frame"]]
        assert one["confidences"] == values
        assert values[0] == 1.0
        assert one["areas"] == [frame["objects"][str(one["id"])]["area"] for frame in report["per_frame"]]
    assert found["lost"] == report["lost"]
    assert found["review"] == report["review"]
    of_report = vosctl("inspect", "r.json")
    assert of_report.code == 0
    assert "per_frame" not in of_report.out
    assert of_report.out.count("█") > 0
    shutil.rmtree("out/.vosctl")
    assert "confidence" not in vosctl("inspect", "out").out


def test_brackets_in_names_are_no_markup(vosctl: Command, clip: Path) -> None:
    Path("[red]a[").mkdir()
    name = "[red]a[/b]clip.mp4"
    clip.rename(name)
    assert name in vosctl("inspect", name).out
    write_weights(Path("models/other.pt"), "frtm-rn18", {}, {"summary": "trained on [/b]"})
    assert "trained on [/b]" in vosctl("weights", "list").out


def test_a_table_of_a_runs_masks(vosctl: Command, clip: Path, segment: object) -> None:
    given = (clip, "--mask", "first.png", "-o", "out", "--format", "palette", "--format", "csv")
    assert segment(*given).code == 0  # type: ignore[operator]
    result = vosctl("inspect", "out", "--csv", "rows.csv")
    assert result.code == 0, result.err
    written, found = (Path(name).read_text().splitlines() for name in ("out/csv.csv", "rows.csv"))
    assert len(found) == len(written) == 1 + 12 * 2

    def essence(lines: list[str]) -> list[list[str]]:
        return [[*line.split(",")[:2], *line.split(",")[3:]] for line in lines]  # masks in PNGs have no times

    assert essence(found) == essence(written)
    assert "rows.csv exists" in vosctl("inspect", "out", "--csv", "rows.csv").error
    assert "--csv is for masks" in vosctl("inspect", clip, "--csv", "new.csv").error
    assert ".csv or .parquet" in vosctl("inspect", "out", "--csv", "rows.txt").error


def test_another_stream_and_a_larger_picture_than_is_taken_unasked(vosctl: Command, tmp_path: Path) -> None:
    clip = make_two_streams(tmp_path / "two.mkv")
    sizes = [json.loads(vosctl("inspect", clip, "--stream", n, "--json").out)["width"] for n in (0, 1)]
    assert len(set(sizes)) == 2
    refused = vosctl("inspect", clip, "--max-pixels", 100)
    assert refused.code == 2
    assert "--max-pixels" in refused.error


def test_convert_takes_the_pictures_of_the_named_stream(vosctl: Command, tmp_path: Path) -> None:
    clip = make_two_streams(tmp_path / "two.mkv")
    found = json.loads(vosctl("inspect", clip, "--stream", 1, "--json").out)
    masks = tmp_path / "masks"
    masks.mkdir()
    for number in range(found["frames"]):
        labels = np.zeros((found["height"], found["width"]), np.uint8)
        labels[4:12, 4:12] = 1
        save_palette_png(masks / f"{number:05d}.png", labels)
    told = ("convert", masks, "--to", "rgba", "--clip", clip)
    assert vosctl(*told, "-o", tmp_path / "a", "--stream", 1).code == 0
    assert vosctl(*told, "-o", tmp_path / "b", "--stream", 0).code == 2  # of another size
