"""Track a clip, correct the frame that the run is least sure of, and do again only what depends on it.

python examples/correct_and_go_on.py clip.mp4 first.png truth/

`truth` stands for a person: the folder holds the right mask of every frame, named as the run names its own.
"""

import sys
from pathlib import Path

from vosctl import correct, load_model, segment


def main(clip: str, mask: str, truth: str) -> None:
    """Print which frame was corrected, and what was kept."""
    model = load_model()
    summary = segment(clip, mask, "corrected_masks", model=model, overwrite=True)
    doubtful = [*summary.lost, *summary.review]
    # Where nothing is doubtful, the middle of the clip serves to show how it is done.
    frame = doubtful[0].first if doubtful else summary.frames // 2
    print(f"the mask of frame {frame} is drawn anew")

    right = sorted(Path(truth).glob("*.png"))[frame]
    again = correct("corrected_masks", {frame: right}, model=model)
    print(f"{again.frames} frames, {again.kept} of them as they were")


if __name__ == "__main__":
    main(*sys.argv[1:4])
