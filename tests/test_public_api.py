import subprocess
import sys

import pytest

import vosctl


def test_every_public_name_is_there_and_no_other() -> None:
    for name in vosctl.__all__:
        assert getattr(vosctl, name) is not None
        assert name in dir(vosctl)
    with pytest.raises(AttributeError, match="no attribute 'Session'"):
        vosctl.Session  # noqa: B018


def test_the_package_alone_imports_nothing_that_takes_long() -> None:
    code = "import sys, vosctl; sys.exit(bool({'torch', 'numpy', 'av', 'PIL'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
