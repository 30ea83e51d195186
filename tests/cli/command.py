"""Runs `vosctl` in this process, as the command line does."""

import sys
from pathlib import Path

import pytest

from vosctl.cli.app import main


class Result:
    """What a command left: exit code, standard output, standard error."""

    def __init__(self, code: int, out: str, err: str) -> None:
        self.code, self.out, self.err = code, out, err

    @property
    def error(self) -> str:
        """The one line that starts with `error:`; fails where there is none or more than one."""
        lines = [line for line in self.err.splitlines() if line.strip()]
        errors = [line for line in lines if line.startswith("error: ")]
        assert len(errors) == 1, self.err
        assert errors[0] == lines[-1], self.err
        assert "Traceback" not in self.err
        return errors[0]


class Command:
    """`vosctl` with the tests' own small model."""

    def __init__(
        self, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, backbone: Path
    ) -> None:
        self._capfd, self._monkeypatch = capfd, monkeypatch
        self.backbone = backbone

    def __call__(self, *arguments: object) -> Result:
        self._monkeypatch.setattr(sys, "argv", ["vosctl", *map(str, arguments)])
        self._capfd.readouterr()
        code = 0
        try:
            main()
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else 0
        out, err = self._capfd.readouterr()
        return Result(code, out, err)

    def tracking(self, *arguments: object) -> Result:
        """With the options of a model that needs no download."""
        return self(*arguments, "--backbone-weights", self.backbone, "--precision", "fp32", "--device", "cpu")
