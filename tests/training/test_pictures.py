from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import EpsImagePlugin, Image

from vosctl.errors import DatasetError
from vosctl.training.pictures import MaskedPhotos, class_of, list_images, read_image, read_labels


@pytest.fixture
def eps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An EPS named 00000.png, which Pillow would hand to Ghostscript."""
    monkeypatch.setattr(EpsImagePlugin, "Ghostscript", lambda *_args, **_more: pytest.fail("Ghostscript"))
    Image.new("L", (8, 8)).save(tmp_path / "00000.eps")
    return (tmp_path / "00000.eps").rename(tmp_path / "00000.png")


def test_only_raster_formats_are_opened(eps: Path) -> None:
    with pytest.raises(DatasetError, match=r"00000\.png cannot be read as a JPEG, PNG or WebP picture"):
        read_image(eps)
    with pytest.raises(DatasetError, match=r"00000\.png cannot be read as a label map, a PNG"):
        read_labels(eps)


def test_webp_pictures_have_their_masks(two_classes: Path) -> None:
    photos = MaskedPhotos.find(two_classes)
    assert [image.name for image, _ in photos.pairs][:2] == ["blue_1.webp", "blue_2.webp"]
    image, labels, name = photos.draw(np.random.default_rng(0), 48)
    assert (image.shape, labels.shape) == ((3, 48, 48), (48, 48))
    assert (two_classes / "images" / f"{name}.webp").is_file()
    inside = image[:, labels == 1].mean(1)
    assert bool(inside[0] > inside[2]) == (class_of(name) == "red")


def test_a_name_with_its_old_suffix_in_it(tmp_path: Path) -> None:
    for folder in ("images", "masks"):
        (tmp_path / folder).mkdir()
    Image.new("RGB", (8, 8)).save(tmp_path / "images/cats_0001_png.webp")
    Image.new("L", (8, 8)).save(tmp_path / "masks/cats_0001_png.png")
    assert MaskedPhotos.find(tmp_path).draw(np.random.default_rng(0), 8)[2] == "cats_0001_png"
    (tmp_path / "masks/cats_0001_png.png").unlink()
    with pytest.raises(DatasetError, match=r"has no mask .*cats_0001_png\.png"):
        MaskedPhotos.find(tmp_path)


def test_alike_is_the_same_photograph_or_one_of_its_class(two_classes: Path) -> None:
    photos = MaskedPhotos.find(two_classes)
    names = [photos.draw(np.random.default_rng(s), 48, like="red_2")[2] for s in range(40)]
    assert {class_of(name) for name in names} == {"red"}
    assert 20 <= names.count("red_2") < 40
    names = [photos.draw(np.random.default_rng(s), 48, like="dog_1")[2] for s in range(20)]
    assert {class_of(name) for name in names} == {"red", "blue"}


def test_a_folder_without_pictures_is_named(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"holds no pictures .*\*\.webp"):
        list_images(tmp_path)


def test_maps_of_two_values_are_one_object(tmp_path: Path) -> None:
    Image.fromarray(np.array([[0, 255]], np.uint8)).save(tmp_path / "a.png")
    assert torch.equal(read_labels(tmp_path / "a.png"), torch.tensor([[0, 1]], dtype=torch.uint8))
