import struct
import zlib

import numpy as np
import pytest
from PIL import EpsImagePlugin, Image

from vosctl.errors import MaskError
from vosctl.evaluation.label_maps import read_label_map

from .small_davis import save_labels

LABELS = np.arange(6, dtype=np.uint8).reshape(2, 3)


@pytest.mark.parametrize("palette", [True, False])
def test_ids_are_the_stored_values(tmp_path, palette):
    save_labels(tmp_path / "a.png", LABELS, palette)
    assert (read_label_map(tmp_path / "a.png") == LABELS).all()


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "LA", "I;16"])
def test_gray_in_other_forms(tmp_path, mode):
    image = Image.fromarray(LABELS)
    image = Image.fromarray(LABELS.astype(np.uint16)) if mode == "I;16" else image.convert(mode)
    image.save(tmp_path / "a.png")
    labels = read_label_map(tmp_path / "a.png")
    assert labels.dtype == np.uint8
    assert (labels == LABELS).all()


def test_one_bit(tmp_path):
    Image.fromarray(LABELS % 2 == 0).save(tmp_path / "a.png")
    assert (read_label_map(tmp_path / "a.png") == (LABELS % 2 == 0)).all()


def test_a_colour_picture_is_no_label_map(tmp_path):
    Image.fromarray(np.dstack([LABELS, LABELS, 9 - LABELS])).save(tmp_path / "a.png")
    with pytest.raises(MaskError, match=r"a\.png: a colour picture \(RGB\)"):
        read_label_map(tmp_path / "a.png")


def test_ids_above_255(tmp_path):
    Image.fromarray(LABELS.astype(np.uint16) + 254).save(tmp_path / "a.png")
    with pytest.raises(MaskError, match=r"a\.png: ids from 254 to 259"):
        read_label_map(tmp_path / "a.png")


def test_missing_and_broken_files_are_named(tmp_path):
    with pytest.raises(MaskError, match=r"a\.png: no such file"):
        read_label_map(tmp_path / "a.png")
    (tmp_path / "b.png").write_bytes(b"no picture")
    with pytest.raises(MaskError, match=r"b\.png: cannot be read"):
        read_label_map(tmp_path / "b.png")
    save_labels(tmp_path / "c.png", np.random.default_rng(0).integers(0, 255, (90, 90), dtype=np.uint8))
    content = (tmp_path / "c.png").read_bytes()
    (tmp_path / "c.png").write_bytes(content[: len(content) // 2])
    with pytest.raises(MaskError, match=r"c\.png: cannot be read"):
        read_label_map(tmp_path / "c.png")


def test_a_damaged_chunk_is_named(tmp_path):
    save_labels(tmp_path / "a.png", np.random.default_rng(0).integers(0, 255, (90, 90), dtype=np.uint8))
    content = bytearray((tmp_path / "a.png").read_bytes())
    content[content.index(b"IDAT") - 2] = 0  # the chunk's length: Pillow then speaks of its syntax
    (tmp_path / "a.png").write_bytes(bytes(content))
    with pytest.raises(MaskError, match=r"a\.png: cannot be read"):
        read_label_map(tmp_path / "a.png")


def test_only_png_is_opened_whatever_the_name_says(tmp_path, monkeypatch):
    """An EPS would be handed to Ghostscript."""
    monkeypatch.setattr(EpsImagePlugin, "Ghostscript", lambda *_args, **_more: pytest.fail("Ghostscript"))
    Image.fromarray(LABELS).save(tmp_path / "00000.eps")
    (tmp_path / "00000.eps").rename(tmp_path / "00000.png")
    with pytest.raises(MaskError, match=r"00000\.png: cannot be read as a label map: it is not a PNG"):
        read_label_map(tmp_path / "00000.png")


def test_a_size_that_no_frame_has_is_refused_by_the_header(tmp_path):
    save_labels(tmp_path / "a.png", LABELS)
    content = bytearray((tmp_path / "a.png").read_bytes())
    content[16:24] = struct.pack(">II", 9000, 9000)
    content[29:33] = struct.pack(">I", zlib.crc32(content[12:29]))
    (tmp_path / "a.png").write_bytes(bytes(content))
    with pytest.raises(MaskError, match=r"a\.png claims 9000x9000 pixels"):
        read_label_map(tmp_path / "a.png")
