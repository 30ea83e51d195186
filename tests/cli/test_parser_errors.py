"""What a command line that cannot be understood is answered with."""

import pytest

from tests.cli.command import Command
from vosctl.evaluation.datasets import DatasetName


@pytest.mark.parametrize(
    ("arguments", "said", "not_said"),
    [
        (["benchmark", "--dataset", "mose"], [*DatasetName, "'mose' is not one of"], ["Value error"]),
        (["segment", "--point"], ["--point"], ["--json", "--report"]),
        (["segment", "--maks", "x"], ["--maks", "--mask"], ["--json"]),
        (["help", "overlay"], ["expected one of", "vosctl COMMAND --help"], ["did you mean"]),
        (["config", "train2"], ["did you mean train?"], []),
        (["overlay"], ["CLIP"], []),
        (["segment", "c.mp4", "--precision", "bf8"], ["--precision", "'auto'"], ["Value error"]),
    ],
)
def test_one_line_that_names_what_is_known(
    vosctl: Command, arguments: list[str], said: list[str], not_said: list[str]
) -> None:
    result = vosctl(*arguments)
    assert result.code == 2
    for part in said:
        assert part in result.error
    for part in not_said:
        assert part not in result.error
