"""Tests systems/backbone_weights.py, systems/frtm/loading.py, systems/registry.py and
systems/weights_file.py too, beside what it is named after."""

import json
from pathlib import Path

import pytest
import torch

from tests.cli.command import Command
from tests.evaluation.small_results import small_result
from tests.small import tiny_backbone
from vosctl.errors import OutputError, WeightsError
from vosctl.evaluation.results import write_results
from vosctl.systems.choice import ModelChoice
from vosctl.systems.frtm.refinement import RefinementNetwork
from vosctl.systems.names import shipped_folder
from vosctl.systems.presets import Preset, preset_for
from vosctl.systems.registry import load_model
from vosctl.systems.weights_file import read_weights, write_weights
from vosctl.training.checkpoint import Checkpoint


def model_file(path: Path) -> Path:
    backbone = tiny_backbone(4)
    state = {f"backbone.{k}": v for k, v in backbone.state_dict().items()}
    state |= {f"refinement.{k}": v for k, v in RefinementNetwork(backbone.channels).state_dict().items()}
    write_weights(path, "frtm-rn18", state, {"summary": "random", "architecture": "frtm-rn18"})
    return path


def authors_checkpoint(path: Path) -> dict[str, torch.Tensor]:
    """As the FRTM authors' files are: the refinement network alone, under `refiner.`."""
    state = RefinementNetwork((64, 128, 256, 512)).state_dict()
    torch.save({"model": {f"refiner.{k}": v for k, v in state.items()}, "epoch": 260}, path)
    return state


def test_a_model_file_comes_back_as_it_was(tmp_path: Path) -> None:
    path = model_file(tmp_path / "m.pt")
    file = read_weights(path)
    assert file.sha256 == json.loads((tmp_path / "m.json").read_text())["sha256"]
    expected = tiny_backbone(4).state_dict()["layer4.1.conv2.weight"]
    torch.testing.assert_close(file.part("backbone")["layer4.1.conv2.weight"], expected.half().float())
    model = load_model(str(path), device="cpu", precision="fp32")
    assert model.refinement is not None
    assert model.sha256 == file.sha256


def test_damage_is_found_and_named(vosctl: Command, tmp_path: Path) -> None:
    path = model_file(tmp_path / "m.pt")
    assert vosctl("weights", "verify", path).code == 0
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    result = vosctl("weights", "verify", path)
    assert result.code == 2
    assert "m.pt: damaged" in result.error
    (tmp_path / "m.json").unlink()
    path.write_bytes(data[: len(data) // 2])
    with pytest.raises(WeightsError, match=r"m\.pt"):
        read_weights(path)


def test_code_in_a_file_is_not_run(tmp_path: Path) -> None:
    class Evil:
        def __reduce__(self):  # type: ignore[no-untyped-def]
            return (Path.touch, (tmp_path / "evil",))

    torch.save({"format": 1, "state": Evil()}, tmp_path / "e.pt")
    with pytest.raises(WeightsError, match="loaded safely"):
        read_weights(tmp_path / "e.pt")
    assert not (tmp_path / "evil").exists()


def test_a_checkpoint_of_the_authors_is_imported(vosctl: Command, clip: Path, tmp_path: Path) -> None:
    state = authors_checkpoint(tmp_path / "rn18_all.pth")
    result = vosctl("weights", "import", "rn18_all.pth")
    assert result.code == 0
    imported = Path(result.out.strip())
    assert imported == tmp_path / "models" / "rn18_all.pt"
    part = read_weights(imported).part("refinement")
    assert part.keys() == state.keys()
    torch.testing.assert_close(
        part["CAB.layer3.convreluconv.2.bias"], state["CAB.layer3.convreluconv.2.bias"].half().float()
    )
    assert "rn18_all" in vosctl("weights", "list").out
    # It has no backbone of its own, and layer4 must come with one.
    assert "no backbone at hand" in vosctl("segment", clip, "-m", "first.png", "--model", "rn18_all").error
    partial = vosctl(
        "segment", clip, "-m", "first.png", "--model", "rn18_all", "--backbone-weights", vosctl.backbone
    )
    assert "layer4" in partial.error
    torch.save(tiny_backbone(4).state_dict(), "whole.pth")
    whole = vosctl(
        "segment", clip, "-m", "first.png", "--model", "rn18_all", "--backbone-weights", "whole.pth"
    )
    assert whole.code == 0, whole.error
    assert "no refinement network in use" not in whole.err
    assert "rn18_all exists" not in whole.err
    assert "--overwrite" in vosctl("weights", "import", "rn18_all.pth").error


def test_a_training_run_is_exported_with_its_card(vosctl: Command) -> None:
    state = {f"backbone.{k}": v for k, v in tiny_backbone(4).state_dict().items()}
    recipe = '[[sources]]\nkind = "clips"\ndata = "davis"\nweight = 1.0\n'
    run = {
        "backbone": "resnet18",
        "seed": 1,
        "total_steps": 90,
        "version": "0.1.0",
        "torch": "2",
        "validation": [],
    }
    run["data"] = {"davis": "train", "val": "val"}
    Checkpoint(90, {}, state, {}, {}, recipe, run).write(Path("checkpoint.pt"))
    write_results(small_result(), Path("results.json"))
    export = [
        "weights",
        "export",
        "checkpoint.pt",
        "m.pt",
        "--scores",
        "results.json",
        "--card",
        "license=a = b",
    ]
    assert vosctl(*export).code == 0
    card = json.loads(Path("m.json").read_text())
    assert card["sha256"] == read_weights(Path("m.pt")).sha256
    assert card["trained_on"] == {"davis": "train"}
    assert card["license"] == "a = b"
    assert card["scores"]["all"] == {"J&F": 60.6, "J": 66.2, "F": 55.0}
    assert card["scores"]["bear"] == {"J&F": 60.0, "J": 65.0, "F": 55.0}
    assert "--overwrite" in vosctl(*export).error
    assert "expected KEY=TEXT" in vosctl(*export, "--overwrite", "--card", "nothing").error
    assert "ends in .pt" in vosctl("weights", "export", "checkpoint.pt", "m.bin").error
    for wrong in ("start.pt", "start.pt=2", "start.pt=half", "=0.5"):
        assert "expected MODEL.pt=SHARE" in vosctl(*export, "--overwrite", "--blend", wrong).error


def test_what_is_no_checkpoint_of_the_authors(vosctl: Command, tmp_path: Path) -> None:
    torch.save({"weights": torch.zeros(3)}, "other.pth")
    assert "not a checkpoint of the FRTM authors" in vosctl("weights", "import", "other.pth").error
    state = authors_checkpoint(tmp_path / "x.pth")
    state.pop("project.conv2.bias")
    torch.save({"model": {f"refiner.{k}": v for k, v in state.items()}}, "part.pth")
    assert "has no refiner.project.conv2.bias" in vosctl("weights", "import", "part.pth").error


def test_architectures_are_listed_with_what_they_need(vosctl: Command) -> None:
    out = vosctl("weights", "list").out
    assert "frtm-rn101" in out
    assert "the paper's ours:" in out


def test_the_box_network_is_listed_and_verified(vosctl: Command, tmp_path: Path) -> None:
    row = next(line for line in vosctl("weights", "list").out.splitlines() if "box-rn18" in line)
    assert "--box" in row
    result = vosctl("weights", "verify", "--json")
    assert result.code == 0
    box = json.loads(result.out)["whole"][-1]
    assert (box["architecture"], box["content"]) == ("box-rn18", "backbone and box decoder")
    own = tmp_path / "models" / "box" / "box-rn18.pt"  # the user's own wins, and is checked as well
    own.parent.mkdir(parents=True)
    own.write_bytes(b"PK damaged")
    listed = {
        model["name"]: model["file"]
        for model in json.loads(vosctl("weights", "list", "--json").out)["models"]
    }
    assert listed["box-rn18"] == str(own)
    assert f"{own}: not a" in vosctl("weights", "verify").error
    write_weights(own, "box-rn18", tiny_backbone().state_dict(), {})
    assert "expected a box network of this version" in vosctl("weights", "verify", own).error


def test_an_imported_model_takes_no_shipped_name(vosctl: Command, tmp_path: Path) -> None:
    """It would go before the imported one, which nobody could then name."""
    authors_checkpoint(tmp_path / "rn18_all.pth")
    result = vosctl("weights", "import", "rn18_all.pth", "--name", "frtm-rn18")
    assert "frtm-rn18 is the name of a shipped model" in result.error
    assert not (tmp_path / "models").exists()


def test_a_file_without_an_architecture(tmp_path: Path) -> None:
    torch.save({"format": 1, "state": {}}, tmp_path / "m.pt")
    with pytest.raises(WeightsError, match="not a vosctl model file"):
        read_weights(tmp_path / "m.pt")


def test_a_full_disk(tmp_path: Path) -> None:
    resource = pytest.importorskip("resource")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, before[1]))
    try:
        with pytest.raises(OutputError, match=r"m\.pt cannot be written"):
            model_file(tmp_path / "m.pt")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert not list(tmp_path.iterdir())


def test_the_list_tells_which_file_a_name_means(vosctl: Command, tmp_path: Path) -> None:
    model_file(tmp_path / "models" / "frtm-rn18.pt")
    listed = json.loads(vosctl("weights", "list", "--json").out)["models"]
    file = next(one["file"] for one in listed if one["name"] == "frtm-rn18")
    assert Path(file) == shipped_folder() / "frtm-rn18.pt"


@pytest.mark.parametrize(
    ("card", "message"),
    [
        (b"[1, 2]", "m.json: found [1, 2], expected a card"),
        (b"[" * 100_000, "m.json: unreadable card: not JSON"),
        (b"\xff", "m.json: unreadable card: not JSON"),
        (b'{"sha256": ["a"]}', "m.pt: damaged: its SHA-256 is"),
    ],
)
def test_an_odd_card_is_refused(vosctl: Command, tmp_path: Path, card: bytes, message: str) -> None:
    path = model_file(tmp_path / "m.pt")
    path.with_suffix(".json").write_bytes(card)
    assert message in vosctl("weights", "verify", path).error


def test_markup_in_a_card_is_shown_as_it_is(vosctl: Command, tmp_path: Path) -> None:
    path = model_file(tmp_path / "models" / "own.pt")
    path.with_suffix(".json").write_text('{"summary": "[/red] of [bold]"}')
    assert "[/red] of [bold]" in vosctl("weights", "list").out


@pytest.mark.parametrize("path", ["/etc/passwd", "/dev/zero", "."])
def test_what_is_no_model_file_is_refused_at_once(vosctl: Command, clip: Path, path: str) -> None:
    for command in (("weights", "verify", path), ("segment", clip, "-m", "first.png", "--model", path)):
        result = vosctl(*command)
        assert result.code == 2
        assert "model" in result.error or "weights file" in result.error


def test_weights_that_are_not_finite_are_refused(vosctl: Command, clip: Path) -> None:
    for wrong in (float("nan"), float("inf")):
        state = tiny_backbone(4).state_dict()
        state["layer1.0.conv1.weight"][3, 2, 1, 0] = wrong
        torch.save(state, "wrong.pth")
        result = vosctl("segment", clip, "-m", "first.png", "-o", "out", "--backbone-weights", "wrong.pth")
        assert result.code == 2
        assert "wrong.pth: 'layer1.0.conv1.weight' holds NaN or infinite numbers" in result.error


def test_an_imported_checkpoint_runs_with_the_papers_numbers(vosctl: Command, tmp_path: Path) -> None:
    authors_checkpoint(tmp_path / "rn18_all.pth")
    assert vosctl("weights", "import", "rn18_all.pth").code == 0
    assert preset_for(ModelChoice("rn18_all")) is Preset.PAPER_FAST


def test_backbones_are_fetched_by_name(
    vosctl: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    folder = tmp_path / "torch" / "hub" / "checkpoints"
    folder.mkdir(parents=True)
    name = "resnet18-f37072fd.pth"  # torchvision's, which is taken from its cache
    torch.save(tiny_backbone(4).state_dict(), folder / name)
    found = vosctl("weights", "fetch", "resnet18", "--json")
    assert found.code == 0, found.error
    (one,) = json.loads(found.out)["fetched"]
    assert (one["backbone"], one["file"]) == ("resnet18", str(folder / name))
    assert "no such backbone; did you mean resnet18" in vosctl("weights", "fetch", "resnet8").error
