import subprocess
import sys

from vosctl.systems.names import ALIASES, ARCHITECTURE_NAMES, known_names
from vosctl.systems.registry import ARCHITECTURES


def test_the_names_are_those_of_the_registry() -> None:
    assert tuple(ARCHITECTURES) == ARCHITECTURE_NAMES
    assert set(ALIASES.values()) <= set(ARCHITECTURES)
    assert {"ours", "frtm-rn18"} <= set(known_names())


def test_names_need_no_torch() -> None:
    code = "import sys, vosctl.systems.names; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
