"""Track the objects of a clip: first as the command does it, then array by array.

python examples/track_a_clip.py clip.mp4 first.png
"""

import sys

import numpy as np
from PIL import Image

from vosctl import Tracker, load_model, read_frames, segment


def main(clip: str, mask: str) -> None:
    """Print how the run went, and what each frame shows."""
    # One call does the main job: a palette PNG for every frame, a video to look at, a summary of the run.
    model = load_model()
    summary = segment(clip, mask, "clip_masks", overlay="clip_overlay.mp4", model=model, overwrite=True)
    print(f"{summary.frames} frames of objects {summary.objects}, {summary.frames_per_second:.1f} frames/s")
    for span in (*summary.lost, *summary.review):
        print(f"look at object {span.object_id} in frames {span.frames}")

    # The same with arrays: frames (H, W, 3) go in, label maps (H, W) come out, one at a time.
    tracker = Tracker(model)
    first = np.asarray(Image.open(mask))  # object ids, 0 for the background
    for result in tracker.run(read_frames(clip), {0: first}, confidences=True):
        sure = dict(zip(tracker.object_ids, result.confidences, strict=False))
        print(result.index, {object_id: round(value, 2) for object_id, value in sure.items()})


if __name__ == "__main__":
    main(*sys.argv[1:3])
