"""Two processes, as torchrun starts them."""

import subprocess
import sys
from pathlib import Path

import torch

from tests.training.conftest import RECIPE
from vosctl.training.checkpoint import read_checkpoint
from vosctl.training.log import read_log
from vosctl.training.recipe_file import read_recipe
from vosctl.training.trainer import Trainer


def test_two_processes_train_one_network(data: dict[str, Path], tmp_path: Path) -> None:
    recipe = tmp_path / "recipe.toml"
    recipe.write_text(RECIPE.format(steps=2, rate=0.1).replace("batch = 2", "batch = 1"))
    arguments = ["--nproc-per-node", "2", "--standalone", "-m", "vosctl", "train", recipe, "--device", "cpu"]
    named = [text for name, path in data.items() for text in ("--data", f"{name}={path}")]
    command = [
        sys.executable,
        "-m",
        "torch.distributed.run",
        *arguments,
        *named,
        "--output",
        tmp_path / "two",
    ]
    done = subprocess.run([*map(str, command), "--threads", "1"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    together = read_checkpoint(tmp_path / "two" / "checkpoint.pt")
    assert together.step == 2
    assert [line["step"] for line in read_log(tmp_path / "two" / "log.jsonl")] == [1, 2]
    # The second process has clips of its own, so the result is not the first one's alone.
    alone = Trainer(read_recipe(recipe), data, tmp_path / "one", torch.device("cpu"))
    alone.run()
    name = "refinement.project.conv2.weight"
    assert not torch.allclose(alone.network.state_dict()[name], together.network[name], atol=1e-7)
