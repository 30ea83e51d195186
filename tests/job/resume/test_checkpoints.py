from pathlib import Path

import pytest
import torch

from vosctl.errors import OutputError
from vosctl.job.resume.checkpoints import Checkpoints


def test_a_few_states_stay_spread_over_the_clip_and_the_newest_always(tmp_path: Path) -> None:
    states = Checkpoints(tmp_path / "states")
    assert states.load() is None
    for position in range(65, 3000, 64):
        states.save(position, {"tensor": torch.full((3,), position)})
        positions = states.positions()
        assert positions[-1] == position
        assert len(positions) <= 4
    gaps = [b - a for a, b in zip([0, *positions], positions, strict=False)]
    assert max(gaps) < 3000 / 2
    state = states.load()
    assert state is not None
    assert state["tensor"].tolist() == [positions[-1]] * 3
    earlier = states.load(positions[1] + 5)
    assert earlier is not None
    assert earlier["tensor"][0] == positions[1]
    assert states.load(3) is None


def test_states_that_depend_on_a_frame_go(tmp_path: Path) -> None:
    states = Checkpoints(tmp_path)
    for position in (8, 16, 24):
        states.save(position, {})
    states.drop_after(16)  # the state before frame 16 knows nothing of it
    assert states.positions() == [8, 16]


def test_a_damaged_state_says_what_to_do(tmp_path: Path) -> None:
    states = Checkpoints(tmp_path)
    states.save(8, {})
    path = next(tmp_path.iterdir())
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(OutputError, match=r"state-00000008\.pt.*remove the file"):
        states.load()
    torch.save({"format": 99}, path)
    with pytest.raises(OutputError, match="another version"):
        states.load()
