from pathlib import Path

from vosctl.job.frame_log import FrameEntry, FrameLog, ObjectInFrame
from vosctl.job.resume.missing import first_missing
from vosctl.masks.formats import FORMATS


def test_the_first_frame_that_lacks_a_file_of_any_folder(tmp_path: Path) -> None:
    log = tmp_path / "frames.jsonl"
    places = {tmp_path / name: FORMATS[name] for name in ("palette", "binary", "coco")}
    assert first_missing(places, log) is None  # nothing was begun
    with FrameLog(log) as entries:
        for index in range(5):  # object 2 joins at frame 2, and 3 has no pixel
            objects = {1: ObjectInFrame(1, 9)} | (
                {2: ObjectInFrame(1, 9), 3: ObjectInFrame(0, 0)} if index > 1 else {}
            )
            entries.write(FrameEntry(index, f"{index:05d}", objects))
    for index in range(5):
        for folder in ("palette", "binary/1", "binary/2"):
            (tmp_path / folder).mkdir(parents=True, exist_ok=True)
            (tmp_path / folder / f"{index:05d}.png").touch()
    assert first_missing(places, log) is None
    (tmp_path / "binary/2/00003.png").unlink()
    assert first_missing(places, log) == 3
    (tmp_path / "palette/00001.png").unlink()
    (tmp_path / "palette/00001.txt").touch()
    assert first_missing(places, log) == 1
    (tmp_path / "binary/1/00000.png").rename(tmp_path / "binary/2/mine.png")
    assert first_missing(places, log) == 0
