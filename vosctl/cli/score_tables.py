"""What `vosctl benchmark` found, for people as tables or for programs as JSON."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from vosctl.cli.console import console, print_result
from vosctl.cli.json_output import json_result
from vosctl.evaluation.variants import Variant

if TYPE_CHECKING:
    from vosctl.evaluation.results import BenchmarkResult


def report(found: "tuple[BenchmarkResult, ...]", as_json: bool) -> None:
    """Print what was found, for people or for programs."""
    from vosctl.evaluation.results import figures_of

    if not as_json:
        for result in found:
            _print_tables(result)
        return
    runs = [
        {
            "variant": result.run.variant if result.run else None,
            "masks": result.masks,
            "figures": figures_of(result),
            "failures": [asdict(failure) for failure in result.failures],
        }
        for result in found
    ]
    json_result.put({"dataset": found[0].dataset, "split": found[0].split, "runs": runs})


def report_ablations(found: "dict[Variant, BenchmarkResult]", as_json: bool) -> None:
    """Print Table 1, which shows what each part of the method brings."""
    from vosctl.evaluation.tables import ablation_table

    if as_json:
        report(tuple(found.values()), as_json)
    else:
        print_result(ablation_table(found))


def compare(a: Path, b: Path, as_json: bool) -> None:
    """Print J&F of each sequence in two results.json, and the difference."""
    from vosctl.evaluation.compare import compare
    from vosctl.evaluation.results import read_results
    from vosctl.evaluation.tables import comparison_table

    comparison = compare(read_results(a), read_results(b))
    if as_json:
        rows = [
            {"name": row.name, "a": row.a.j_and_f, "b": row.b.j_and_f, "difference": row.difference}
            for row in (*comparison.rows, comparison.total)
        ]
        json_result.put({"comparison": rows, "left_out": list(comparison.left_out)})
        return
    print_result(comparison_table(comparison))
    if comparison.left_out:
        console.print(f"in one of them only: {', '.join(comparison.left_out)}", markup=False)


def _print_tables(result: "BenchmarkResult") -> None:
    from vosctl.evaluation.tables import sequence_table, summary_table

    print_result(sequence_table(result))
    print_result("")
    print_result(summary_table(result))
