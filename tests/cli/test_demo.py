import re
from pathlib import Path

from tests.cli.command import Command
from vosctl.media.clip import open_clip


def test_the_demo_scores_its_objects(vosctl: Command) -> None:
    result = vosctl("demo", "--backbone-weights", vosctl.backbone, "--device", "cpu")
    assert result.code == 0
    scores = dict(re.findall(r"object (\d): J (0\.\d+)", result.out))
    assert set(scores) == {"1", "2"}
    assert float(scores["1"]) > 0.1  # of an untrained backbone
    folder = Path("vosctl_demo")
    assert len(list((folder / "masks").glob("*.png"))) == 60
    with open_clip(folder / "overlay.mp4") as drawn:
        assert sum(1 for _ in drawn) == 60
    again = vosctl("demo", "--backbone-weights", vosctl.backbone)
    assert again.code == 2
    assert "--overwrite" in again.error
