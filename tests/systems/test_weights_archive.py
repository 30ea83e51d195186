import os
import zipfile
from pathlib import Path

import pytest
import torch

from vosctl.errors import WeightsError
from vosctl.systems.weights_file import read_tensors


def rewrite(path: Path, method: int, sizes: dict[str, int]) -> None:
    """An archive again, its entries made as long as said by the end of their names; checksums are right."""
    with zipfile.ZipFile(path) as source:
        bodies = {name: source.read(name) for name in source.namelist()}
    with zipfile.ZipFile(path, "w", method) as to:
        for name, body in bodies.items():
            size = next((size for end, size in sizes.items() if name.endswith(end)), len(body))
            to.writestr(name, body.ljust(size, b"\0")[:size])


@pytest.mark.parametrize("archive", [True, False])
def test_both_of_torchs_formats_are_read(tmp_path: Path, archive: bool) -> None:
    content = {"a": torch.arange(6.0).view(2, 3).t(), "b": torch.tensor([True, False]), "c": [1, "x", None]}
    torch.save(content, tmp_path / "m.pt", _use_new_zipfile_serialization=archive)
    read = read_tensors(tmp_path / "m.pt")
    assert torch.equal(read["a"], content["a"])
    assert torch.equal(read["b"], content["b"])
    assert read["c"] == content["c"]


def test_a_compressed_archive_is_not_inflated(tmp_path: Path) -> None:
    path = tmp_path / "m.pt"
    torch.save({"a": torch.zeros(1000)}, path)
    rewrite(path, zipfile.ZIP_DEFLATED, {"data/0": 50_000_000})
    assert path.stat().st_size < 100_000
    with pytest.raises(WeightsError, match=r"m\.pt: .*entries are compressed"):
        read_tensors(path)


def test_a_tensor_must_not_be_longer_than_its_data(tmp_path: Path) -> None:
    """torch would read what lies behind it in memory."""
    path = tmp_path / "m.pt"
    torch.save({"a": torch.ones(1000)}, path)
    rewrite(path, zipfile.ZIP_STORED, {"data/0": 4})
    with pytest.raises(WeightsError, match=r"m\.pt: .*has 4 bytes, expected 4000"):
        read_tensors(path)


def test_a_flipped_bit_is_found_without_a_card(tmp_path: Path) -> None:
    path = tmp_path / "m.pt"
    torch.save({"a": torch.full((999,), 1.5)}, path)
    data = bytearray(path.read_bytes())
    data[data.index(b"\0\0\xc0\x3f" * 9)] ^= 1
    path.write_bytes(data)
    with pytest.raises(WeightsError, match=r"m\.pt: .*checksum"):
        read_tensors(path)


def test_only_regular_files_are_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.pt")
    for path, kind in ((tmp_path / "pipe.pt", "a device or a pipe"), (tmp_path, "a folder")):
        with pytest.raises(WeightsError, match=f"{path.name}: found {kind}"):
            read_tensors(path)
    with (tmp_path / "m.pt").open("wb") as file:
        file.truncate(5 << 30)  # takes no room on the disk
    with pytest.raises(WeightsError, match=r"m\.pt: has 5120 MiB"):
        read_tensors(tmp_path / "m.pt")


def test_torchs_advice_to_read_unsafely_is_not_passed_on(tmp_path: Path) -> None:
    torch.save({"a": Path("x"), "b": print}, tmp_path / "m.pt")
    with pytest.raises(WeightsError) as refused:
        read_tensors(tmp_path / "m.pt")
    assert "weights_only" not in str(refused.value)
