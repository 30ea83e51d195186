import subprocess
import sys
from pathlib import Path

import pytest

from vosctl.systems.names import ALIASES, ARCHITECTURE_NAMES, known_names, user_folder
from vosctl.systems.registry import ARCHITECTURES


def test_the_names_are_those_of_the_registry() -> None:
    assert tuple(ARCHITECTURES) == ARCHITECTURE_NAMES
    assert set(ALIASES.values()) <= set(ARCHITECTURES)
    assert {"ours", "frtm-rn18"} <= set(known_names())


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
