"""`vosctl doctor`: whether this machine computes what it should.

`--json`:

    machine   {what: text} of versions, processor and GPU
    checks    [{name, ok (true, false, or null for what is only said), found (text)}]
"""

from typing import TYPE_CHECKING

from rich.table import Table

from vosctl.cli import options
from vosctl.cli.console import console, print_result
from vosctl.cli.json_output import json_result
from vosctl.errors import DeviceError

if TYPE_CHECKING:
    from vosctl.compute.devices import Precision
    from vosctl.evaluation.checkup import Checkup
    from vosctl.systems.model import Model

_MARKS = {True: "ok", False: "WRONG", None: "-"}


def doctor(
    model: options.ModelOption = None,
    backbone_weights: options.BackboneOption = None,
    device: options.DeviceOption = "auto",
    as_json: options.JsonOption = False,
    quiet: options.QuietOption = False,
) -> None:
    """Try this machine: each dtype, transfers, and a small clip on the GPU against the same on the CPU.

    What it prints can be pasted into a report of a fault. Exit code 2 where something is wrong.

    Example: vosctl doctor --device cuda:0
    """
    from vosctl.evaluation.checkup import check_up
    from vosctl.systems.registry import load_model

    def load(place: str, precision: "Precision") -> "Model":
        return load_model(model, backbone_weights=backbone_weights, device=place, precision=precision)

    if not quiet:
        console.print("trying the machine, which takes some seconds", markup=False)
    found = check_up(device, load)
    if as_json:
        json_result.put(found.to_json())
    else:
        _print(found)
    if found.failed:
        raise DeviceError(
            f"this machine does not compute what it should: {', '.join(found.failed)}; use --device cpu, and "
            f"report what is printed above"
        )


def _print(found: "Checkup") -> None:
    table = Table.grid(padding=(0, 2))
    for name, text in found.machine.items():
        table.add_row("", name, text)
    for check in found.checks:
        table.add_row(_MARKS[check.ok], check.name, check.found)
    print_result(table)
