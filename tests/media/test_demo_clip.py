import numpy as np

from vosctl.media.demo_clip import BALL, FISH, demo_frames


def test_the_same_on_every_call() -> None:
    first, second = list(demo_frames(4, (96, 54))), list(demo_frames(4, (96, 54)))
    for (rgb, labels), (other_rgb, other_labels) in zip(first, second, strict=True):
        np.testing.assert_array_equal(rgb, other_rgb)
        np.testing.assert_array_equal(labels, other_labels)


def test_shapes_and_ids() -> None:
    frames = list(demo_frames(5, (97, 55)))
    assert len(frames) == 5
    for rgb, labels in frames:
        assert (rgb.shape, rgb.dtype) == ((55, 97, 3), np.uint8)
        assert (labels.shape, labels.dtype) == ((55, 97), np.uint8)
        assert np.unique(labels).tolist() == [0, FISH, BALL]
    assert len(list(demo_frames(1, (96, 54)))) == 1


def test_the_objects_move_and_the_ball_hides_the_fish() -> None:
    frames = list(demo_frames(60, (240, 135)))
    areas = np.array([[(labels == ident).sum() for ident in (FISH, BALL)] for _, labels in frames])
    assert areas[:, 0].min() < 0.95 * areas[0, 0] < areas[:, 0].max()
    centres = [np.argwhere(labels == FISH).mean(axis=0) for _, labels in (frames[0], frames[-1])]
    assert centres[1][1] - centres[0][1] > 80
    touching = [((labels[:, :-1] == FISH) & (labels[:, 1:] == BALL)).any() for _, labels in frames]
    assert any(touching)
    assert not touching[0]


def test_the_masks_follow_the_picture() -> None:
    rgb, labels = next(demo_frames(1, (240, 135)))
    colour = rgb.astype(int)
    is_orange = (colour[..., 0] > 150) & (colour[..., 2] < 70) & (colour[..., 1] < 140)
    assert (labels[is_orange] > 0).mean() > 0.97
