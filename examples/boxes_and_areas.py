"""The box and the area of every object in every frame, as a table: boxes.csv.

python examples/boxes_and_areas.py clip.mp4 first.png
"""

import csv
import sys
from pathlib import Path

import numpy as np
from PIL import Image

from vosctl import Tracker, load_model, read_frames


def main(clip: str, mask: str) -> None:
    """Write the table: frame, object, left, top, width, height, area, confidence."""
    tracker = Tracker(load_model())
    first = np.asarray(Image.open(mask))
    with Path("boxes.csv").open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow(["frame", "object", "left", "top", "width", "height", "area", "confidence"])
        for result in tracker.run(read_frames(clip), {0: first}, confidences=True):
            for object_id, sure in zip(tracker.object_ids, result.confidences, strict=False):
                ys, xs = np.nonzero(result.labels == object_id)
                if len(xs):  # an object that is hidden has no box
                    box = xs.min(), ys.min(), xs.max() - xs.min() + 1, ys.max() - ys.min() + 1
                    table.writerow([result.index, object_id, *box, len(xs), round(sure, 3)])


if __name__ == "__main__":
    main(*sys.argv[1:3])
