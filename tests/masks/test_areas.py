import numpy as np

from vosctl.masks.areas import AreaCounter
from vosctl.masks.writer import LabelledFrame


def test_areas_of_every_object_in_every_frame() -> None:
    counter = AreaCounter()
    for labels in ([[0, 3], [3, 3]], [[0, 0], [0, 0]], [[254, 3], [0, 0]]):
        counter.add(LabelledFrame(np.array(labels, np.uint8), "a"))
    assert counter.frames == 3
    first, second = counter.objects()
    assert (first.object_id, first.areas, first.seen) == (3, (3, 0, 1), (0, 2))
    assert (second.object_id, second.areas, second.seen) == (254, (0, 0, 1), (2,))
