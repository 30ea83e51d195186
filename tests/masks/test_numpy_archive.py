import io
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.lib import format as npy

from tests.masks.small import export, read_back
from vosctl.errors import MaskError
from vosctl.masks.formats import FORMATS
from vosctl.masks.sources import MaskSource

LABELS = [np.array([[0, 1, 1], [9, 1, 0]], np.uint8), np.zeros((2, 3), np.uint8)]


def test_numpy_reads_it(tmp_path: Path) -> None:
    export(FORMATS["numpy"], tmp_path / "a.npz", LABELS)
    with np.load(tmp_path / "a.npz") as archive:
        assert archive["labels"].dtype == np.uint8
        np.testing.assert_array_equal(archive["labels"], np.stack(LABELS))
        assert archive["stems"].tolist() == ["00000", "00001"]
        assert archive["times"].tolist() == [0, 0.04]


def test_arrays_of_other_hands(tmp_path: Path) -> None:
    stack = np.stack(LABELS)
    for kind in (np.int64, np.uint16, ">i4"):
        np.savez(tmp_path / "b.npz", labels=stack.astype(kind))
        np.testing.assert_array_equal(read_back(tmp_path / "b.npz"), stack)
    np.savez(tmp_path / "b.npz", labels=stack == 1, stems=np.array(["../x", "y"]), times=np.array([1, 2]))
    frames = list(MaskSource(tmp_path / "b.npz"))
    assert [frame.stem for frame in frames] == ["00000", "00001"]  # "../x" would leave the folder
    assert [frame.labels.tolist() for frame in frames] == (stack == 1).astype(int).tolist()
    np.savez(tmp_path / "b.npz", labels=np.where(stack == 9, 255, stack))
    source = MaskSource(tmp_path / "b.npz")
    assert next(iter(source)).labels.tolist() == [[0, 1, 1], [0, 1, 0]]
    assert source.notes == ["255 was read as void (background)"]


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"a": np.zeros((1, 2, 3), np.uint8), "b": np.zeros((2, 3), np.uint8)}, "2 arrays that may be masks"),
        ({"labels": np.zeros((2, 3), np.uint8)}, r"labels uint8 \(2, 3\)"),
        ({"labels": np.zeros((1, 2, 3))}, "float64"),
        ({"labels": np.zeros((2, 3, 4), np.uint8, order="F")}, "Fortran"),
        ({"labels": np.full((1, 2, 3), 256)}, "the value 256 in frame 0"),
        ({"labels": np.full((1, 2, 3), -1)}, "the value -1 in frame 0"),
        ({"labels": np.zeros((0, 2, 3), np.uint8)}, "holds no masks"),
        ({"labels": np.zeros((1, 0, 3), np.uint8)}, "3x0"),
        ({"labels": np.array([None])}, "labels object"),
    ],
)
def test_wrong_arrays(tmp_path: Path, arrays: dict[str, np.ndarray], message: str) -> None:
    np.savez(tmp_path / "a.npz", **arrays)
    with pytest.raises(MaskError, match=message):
        read_back(tmp_path / "a.npz")


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_damage_is_one_line(tmp_path_factory, data: st.DataObject) -> None:
    path = tmp_path_factory.getbasetemp() / "a.npz"
    export(FORMATS["numpy"], path, LABELS)
    content = bytearray(path.read_bytes())
    if data.draw(st.booleans()):
        del content[data.draw(st.integers(0, len(content) - 1)) :]
    for _ in range(data.draw(st.integers(0, 3))):
        if content:
            content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    path.write_bytes(content)
    message = ""
    try:
        read_back(path)
    except MaskError as error:
        message = str(error)
    assert "\n" not in message


def claim(path: Path, **shapes: tuple[tuple[int, ...], str]) -> None:
    """An archive whose arrays are headers that claim a shape and a dtype, with next to nothing behind."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, (shape, descr) in shapes.items():
            header = io.BytesIO()
            npy.write_array_header_1_0(header, {"descr": descr, "fortran_order": False, "shape": shape})
            archive.writestr(f"{name}.npy", header.getvalue() + bytes(24))


def test_more_frames_than_bytes_are_refused_before_anything_is_made_for_them(tmp_path: Path) -> None:
    claim(tmp_path / "a.npz", labels=((1 << 40, 1, 1), "|u1"))
    assert (tmp_path / "a.npz").stat().st_size < 300
    with pytest.raises(MaskError, match=rf"a\.npz claims {1 << 40} label maps of 1x1, but holds \d+ bytes"):
        read_back(tmp_path / "a.npz")


def test_names_that_claim_too_much_are_left_out(tmp_path: Path) -> None:
    claim(
        tmp_path / "a.npz", labels=((2, 2, 3), "|u1"), stems=((2,), "<U100000000"), times=((1 << 40,), "<f8")
    )
    frames = list(MaskSource(tmp_path / "a.npz"))
    assert [(frame.stem, frame.time) for frame in frames] == [("00000", None), ("00001", None)]


def test_an_entry_that_claims_more_than_its_bytes_can_hold(tmp_path: Path) -> None:
    export(FORMATS["numpy"], tmp_path / "a.npz", LABELS)
    data = bytearray((tmp_path / "a.npz").read_bytes())
    at = data.index(b"PK\x01\x02") + 24  # the size of the first entry, in the directory at the end
    data[at : at + 4] = (1 << 31).to_bytes(4, "little")
    (tmp_path / "a.npz").write_bytes(data)
    with pytest.raises(MaskError, match=rf"claims {1 << 31} bytes of labels\.npy"):
        read_back(tmp_path / "a.npz")
