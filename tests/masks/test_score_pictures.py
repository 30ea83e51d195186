from pathlib import Path

import numpy as np
from PIL import Image

from vosctl.masks.score_pictures import score_picture, write_score_picture

RGB = np.full((90, 160, 3), 128, np.uint8)
LABELS = np.zeros((90, 160), np.uint8)
LABELS[30:60, 60:100] = 3


def panel(picture: np.ndarray, row: int, column: int) -> np.ndarray:
    """A panel is 320x180 here, under a caption."""
    top, left = 6 + row * (180 + 28) + 22, 6 + column * 326
    return picture[top : top + 180, left : left + 320]


def test_classes_of_the_appearance_module_have_a_panel_each() -> None:
    scores = np.full((4, 23, 40), -900.0, np.float32)
    scores[0] = -100
    scores[1, 7:15, 15:25] = -20
    scores[2, :, :10] = -20
    picture = score_picture(RGB, LABELS, {3: scores, 7: scores})
    assert picture.shape == (2 * 208 + 6, 6 * 326 + 6, 3)
    background, target, hard, hard_object, likeliest = (panel(picture, 1, c) for c in range(1, 6))
    assert background[10, 300].min() > 250
    assert target[90, 160].min() > 250
    assert target[10, 10].max() < 5
    assert hard[90, 10].min() > 250
    assert hard_object.max() < 5
    assert likeliest[90, 160, 0] > 2 * likeliest[90, 160, 1]  # the object red
    assert likeliest[90, 10, 1] > 2 * likeliest[90, 10, 0]  # what distracts green
    shown = panel(picture, 0, 0)[90, 160]
    assert not np.array_equal(shown, panel(picture, 1, 0)[90, 160])  # object 3 is drawn, 7 is not there


def test_coarse_scores_have_one(tmp_path: Path) -> None:
    scores = np.zeros((1, 23, 40), np.float32)
    scores[0, 7:15, 15:25] = 1.4
    write_score_picture(tmp_path / "scores", "00007", RGB, LABELS, {3: scores})
    with Image.open(tmp_path / "scores" / "00007.png") as picture:
        pixels = np.asarray(picture)
    assert pixels.shape == (208 + 6, 2 * 326 + 6, 3)
    assert panel(pixels, 0, 1)[90, 160].min() == 255
    assert panel(pixels, 0, 1)[10, 10].max() == 0
