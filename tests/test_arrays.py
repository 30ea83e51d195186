import numpy as np

from vosctl.arrays import ids_in, object_ids_in


def test_ids_in() -> None:
    assert ids_in(np.array([[0, 255], [3, 3]], np.uint8)) == (0, 3, 255)
    assert object_ids_in(np.array([[0, 254], [3, 3]], np.uint8)) == (3, 254)
    assert object_ids_in(np.zeros((2, 2), np.uint8)) == ()
