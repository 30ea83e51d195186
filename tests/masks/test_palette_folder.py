import threading
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from vosctl.errors import OutputError
from vosctl.masks import palette_folder
from vosctl.masks.palette_folder import MaskWriter


def labels_of(number: int) -> np.ndarray:
    labels = np.zeros((20, 30), np.uint8)
    labels[3:9, number % 20 : number % 20 + 8] = number % 250 + 1
    return labels


def test_writes_every_mask_under_its_stem(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "masks"
    with MaskWriter(folder) as writer:
        for number in range(40):
            writer.write(f"{number:05d}", labels_of(number))
    assert sorted(p.name for p in folder.iterdir()) == [f"{n:05d}.png" for n in range(40)]
    for number in range(40):
        np.testing.assert_array_equal(np.asarray(Image.open(folder / f"{number:05d}.png")), labels_of(number))


def test_the_array_may_change_after_it_was_handed_over(tmp_path: Path, monkeypatch) -> None:
    held = threading.Event()
    save = palette_folder.save_palette_png
    monkeypatch.setattr(palette_folder, "save_palette_png", lambda *given: (held.wait(5), save(*given)))
    labels = labels_of(1)
    with MaskWriter(tmp_path) as writer:
        writer.write("a", labels)
        labels[:] = 9
        held.set()
    np.testing.assert_array_equal(np.asarray(Image.open(tmp_path / "a.png")), labels_of(1))


def test_waits_for_the_disk_instead_of_filling_the_memory(tmp_path: Path, monkeypatch) -> None:
    held = threading.Event()
    monkeypatch.setattr(palette_folder, "save_palette_png", lambda *given: held.wait(5))
    handed = []

    def hand_over() -> None:
        with MaskWriter(tmp_path, threads=1) as writer:
            for number in range(10):
                writer.write(str(number), labels_of(number))
                handed.append(number)

    thread = threading.Thread(target=hand_over)
    thread.start()
    thread.join(0.1)
    assert len(handed) == 4  # places for one thread
    held.set()
    thread.join(5)
    assert len(handed) == 10


def test_a_failure_comes_to_light(tmp_path: Path) -> None:
    (tmp_path / "1.png").mkdir()  # in the way

    def write(count: int) -> None:
        with MaskWriter(tmp_path) as writer:
            for number in range(count):
                writer.write(str(number), labels_of(number))

    with pytest.raises(OutputError, match=r"1\.png cannot be written: a folder of this name is in the way"):
        write(2)  # at the end at the latest
    with pytest.raises(OutputError, match=r"1\.png"):
        write(10**6)  # long before the end


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="file cannot be written"):
        MaskWriter(tmp_path / "file")
    with pytest.raises(OutputError, match="is a file, not a folder"):
        MaskWriter(tmp_path / "file" / "masks")


@pytest.mark.parametrize("error", [KeyboardInterrupt, ValueError])
def test_an_interrupt_leaves_only_whole_files(tmp_path: Path, error: type[BaseException]) -> None:
    def write() -> None:
        with MaskWriter(tmp_path) as writer:
            for number in range(25):
                writer.write(f"{number:02d}", labels_of(number))
            raise error

    with pytest.raises(error):
        write()
    assert sorted(p.name for p in tmp_path.iterdir()) == [f"{n:02d}.png" for n in range(25)]
    for number in range(25):
        np.testing.assert_array_equal(
            np.asarray(Image.open(tmp_path / f"{number:02d}.png")), labels_of(number)
        )
