import subprocess
import sys
from pathlib import Path

import pytest

from vosctl.errors import WeightsError
from vosctl.systems.backbone import backbone_named
from vosctl.systems.catalogue import architecture_name, find_architecture, system_named, systems
from vosctl.systems.names import aliases, architecture_names, known_names, user_folder


def test_the_names_are_those_of_the_systems_that_track() -> None:
    trained = ("agame-rn18", "agame-rn101", "base-net-rn18", "base-net-rn101")
    assert architecture_names() == ("frtm-rn18", "frtm-rn50", "frtm-rn101", *trained)
    assert aliases() == {"ours-fast": "frtm-rn18", "ours": "frtm-rn101"}
    assert {"ours", "frtm-rn18"} <= set(known_names())


def test_each_architecture_has_a_backbone_and_is_found() -> None:
    for system in systems():
        for architecture in system.architectures:
            assert backbone_named(architecture.backbone).name == architecture.backbone
            assert find_architecture(architecture.name) == (system, architecture)
            assert architecture_name(system.name, architecture.backbone) == architecture.name


def test_what_there_is_not() -> None:
    with pytest.raises(WeightsError, match="no architecture of agame with resnet50; known are agame-rn18, "):
        architecture_name("agame", "resnet50")
    with pytest.raises(WeightsError, match="no system stm; known are frtm, agame, base-net, box"):
        system_named("stm")
    assert find_architecture("frtm-rn7") is None


def test_names_need_no_torch() -> None:
    code = "import sys, vosctl.systems.names; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.skipif(sys.platform != "linux", reason="each system has folders of its own")
def test_the_users_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("VOSCTL_WEIGHTS", raising=False)
    monkeypatch.delenv("XDG_DATA_HOME", raising=False)
    assert user_folder() == tmp_path / ".local" / "share" / "vosctl" / "weights"
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    assert user_folder() == tmp_path / "data" / "vosctl" / "weights"
    monkeypatch.setenv("VOSCTL_WEIGHTS", str(tmp_path / "mine"))
    assert user_folder() == tmp_path / "mine"
