from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from vosctl.errors import ClipError, TruncatedClipError
from vosctl.media.clip import open_clip
from vosctl.media.frame_folder import list_images, natural_key

from .scenes import scene


def save(folder: Path, names: list[str], pictures: list[np.ndarray] | None = None) -> Path:
    folder.mkdir(exist_ok=True)
    for name, picture in zip(names, pictures or scene(len(names)), strict=True):
        Image.fromarray(picture).save(folder / name)
    return folder


def test_natural_order_and_stems(tmp_path: Path) -> None:
    names = ["frame10.png", "frame9.png", "frame1.png", "Frame02.bmp"]
    clip = open_clip(save(tmp_path / "frames", names))
    assert [frame.stem for frame in clip] == ["Frame02", "frame1", "frame9", "frame10"]
    assert [frame.index for frame in clip] == [0, 1, 2, 3]
    assert {frame.time for frame in clip} == {None}


def test_numbers_and_words_can_be_compared() -> None:
    names = ["b", "2", "a10", "a9", "10", "", "a"]
    assert sorted(names, key=natural_key) == ["", "a", "a9", "a10", "b", "2", "10"]


def test_pixels_and_info(tmp_path: Path) -> None:
    pictures = scene(3, width=31, height=17)
    clip = open_clip(save(tmp_path / "frames", ["0.png", "1.tif", "2.webp"], pictures))
    info = clip.info
    assert (info.width, info.height, info.frame_count_hint, info.is_folder) == (31, 17, 3, True)
    assert (info.rate, info.has_audio, info.rotation) == (None, False, 0)
    frames = list(clip)
    np.testing.assert_array_equal(frames[0].rgb, pictures[0])
    np.testing.assert_array_equal(frames[1].rgb, pictures[1])
    assert all(f.rgb.dtype == np.uint8 and f.rgb.flags.writeable for f in frames)  # as torch wants it


def test_hidden_and_other_files_are_left_out(tmp_path: Path) -> None:
    folder = save(tmp_path / "frames", ["0.png", "._0.png", "1.PNG"])
    (folder / "notes.txt").write_text("none")
    assert [path.name for path in list_images(folder)] == ["0.png", "1.PNG"]


def test_exif_orientation_is_applied(tmp_path: Path) -> None:
    upright = scene(1)[0]
    exif = Image.Exif()
    exif[0x0112] = 6  # stored lying: to be turned clockwise by 90 degrees
    (tmp_path / "frames").mkdir()
    Image.fromarray(np.rot90(upright)).save(tmp_path / "frames" / "0.png", exif=exif)
    clip = open_clip(tmp_path / "frames")
    assert (clip.info.width, clip.info.height) == (64, 48)
    np.testing.assert_array_equal(next(iter(clip)).rgb, upright)


def test_other_modes_become_rgb(tmp_path: Path) -> None:
    folder = tmp_path / "frames"
    folder.mkdir()
    gray = scene(1)[0][..., 0]
    Image.fromarray(gray).save(folder / "0.png")
    Image.fromarray(gray.astype(np.uint16) * 257).save(folder / "1.png")
    Image.fromarray(np.dstack([gray, gray, gray, np.full_like(gray, 7)])).save(folder / "2.png")
    for frame in open_clip(folder):
        np.testing.assert_array_equal(frame.rgb, np.dstack([gray] * 3))


def test_sizes_must_agree(tmp_path: Path) -> None:
    folder = save(tmp_path / "frames", ["0.png", "1.png"], [scene(1)[0], scene(1, 32, 48)[0]])
    frames = iter(open_clip(folder))
    next(frames)
    with pytest.raises(ClipError, match=r"1\.png is 32x48, but 0\.png is 64x48"):
        next(frames)


def test_a_broken_image_is_named(tmp_path: Path) -> None:
    folder = save(tmp_path / "frames", ["0.png", "1.png"])
    whole = (folder / "1.png").read_bytes()
    (folder / "1.png").write_bytes(whole[: len(whole) // 2])
    frames = iter(open_clip(folder))
    next(frames)
    with pytest.raises(ClipError, match=r"1\.png cannot be read as an image"):
        next(frames)


def test_two_images_of_one_stem_would_share_a_mask(tmp_path: Path) -> None:
    with pytest.raises(ClipError, match=r"0\.bmp and 0\.png: two frames of one name"):
        open_clip(save(tmp_path / "frames", ["0.png", "0.bmp"]))


def test_thousands_and_signs_are_in_the_order_of_the_numbers(tmp_path: Path) -> None:
    names = ["1,000.png", "999.png", "1,001.png"]
    assert [p.stem for p in list_images(save(tmp_path / "a", names))] == ["999", "1,000", "1,001"]
    names = ["f_-1.png", "f_-2.png", "f_0.png", "f_1.png"]
    assert [p.stem for p in list_images(save(tmp_path / "b", names))] == ["f_-2", "f_-1", "f_0", "f_1"]
    names = ["f -2.png", "f -1.png", "f -3.png"]  # a dash
    assert [p.stem for p in list_images(save(tmp_path / "c", names))] == ["f -1", "f -2", "f -3"]


def test_an_empty_file_in_the_middle_ends_the_clip_there(tmp_path: Path) -> None:
    folder = save(tmp_path / "frames", ["0.png", "1.png", "2.png"])
    (folder / "1.png").write_bytes(b"")
    frames = iter(open_clip(folder))
    assert next(frames).stem == "0"
    with pytest.raises(TruncatedClipError, match=r"1\.png cannot be read.*replace or remove it"):
        next(frames)
