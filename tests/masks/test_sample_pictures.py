from pathlib import Path

import numpy as np
from PIL import Image

from tests.small import moving_discs
from vosctl.masks.sample_pictures import sample_picture, write_sample_picture


def test_two_rows_an_object_and_a_column_a_sample(tmp_path: Path) -> None:
    (frame,), (labels,) = moving_discs(1, (160, 96), objects=2)
    path = write_sample_picture(tmp_path / "new", "00000", frame, labels, 3)
    with Image.open(path) as picture:
        assert picture.size == (3 * 326 + 6, 4 * (192 + 28) + 6)
        sheet = np.asarray(picture)
    first, label = sheet[28 : 28 + 192, 6:326], sheet[248 : 248 + 192, 6:326]
    enlarged = np.asarray(Image.fromarray(frame).resize((320, 192), Image.Resampling.BILINEAR))
    assert np.array_equal(first, enlarged)  # the unmodified frame comes first
    mask = np.asarray(Image.fromarray((labels == 1).astype(np.uint8) * 255).resize((320, 192)))
    assert ((label[..., 0] > 127) == (mask > 127)).mean() > 0.99
    variation = sheet[28 : 28 + 192, 332:652]
    assert (variation != first).mean() > 0.2


def test_another_seed_varies_in_another_way() -> None:
    (frame,), (labels,) = moving_discs(1, (64, 48), radius=10)
    one, other = (sample_picture(frame, labels, 2, seed) for seed in (0, 1))
    assert np.array_equal(one, sample_picture(frame, labels, 2, 0))
    assert not np.array_equal(one, other)
