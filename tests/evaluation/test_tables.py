import io
from dataclasses import replace

from rich.console import Console

from vosctl.evaluation.compare import compare
from vosctl.evaluation.tables import ablation_table, comparison_table, sequence_table, summary_table
from vosctl.evaluation.variants import Variant

from .small_results import small_result


def lines_of(table):
    out = io.StringIO()
    Console(file=out, width=120).print(table)
    return [line.split() for line in out.getvalue().splitlines()]


def test_sequences():
    lines = lines_of(sequence_table(small_result()))
    assert lines[0] == ["sequence", "objects", "J&F", "J", "F", "frames/s", "first", "mask"]
    assert lines[1] == ["bear", "2", "0.600", "0.650", "0.550", "2.00", "0.50", "s"]
    assert lines_of(sequence_table(small_result(run=False)))[1] == ["bear", "2", "0.600", "0.650", "0.550"]
    assert lines_of(sequence_table(small_result(scored=False)))[1] == [
        "bear",
        "2",
        "-",
        "-",
        "-",
        "2.00",
        "0.50",
        "s",
    ]


def test_summary():
    lines = [" ".join(line) for line in lines_of(summary_table(small_result()))]
    assert lines[0] == "J&F 0.606"
    assert lines[2] == "F 0.550 mean, 0.250 recall, 0.100 decay"
    assert "3.00 frames/s model, 1.50 frames/s files to files, 0.40 s to the first mask" in lines[3]
    assert "cpu, float32, 64x48" in lines[4]
    assert "not public" in " ".join(map(" ".join, lines_of(summary_table(small_result(scored=False)))))


def test_sequences_that_ran_at_a_time_are_said_so():
    result = small_result()
    shared = tuple(replace(one, speed=replace(one.speed, jobs=3)) for one in result.sequences)
    lines = lines_of(summary_table(replace(result, sequences=shared)))
    assert "3 sequences at a time" in " ".join(map(" ".join, lines))


def test_table_1():
    own = [variant for variant in Variant if not variant.is_baseline]
    results = {variant: small_result(shift=0.01 * index) for index, variant in enumerate(own)}
    lines = lines_of(ablation_table(results))
    assert lines[0] == ["version", "refined", "update", "J", "F", "J&F", "frames/s"]
    assert lines[1] == ["d-only-no-update", "0.662", "0.550", "0.606", "3.00"]
    assert lines[4] == ["ours", "x", "x", "0.677", "0.550", "0.614", "3.00"]


def test_comparison():
    lines = lines_of(comparison_table(compare(small_result(), small_result(shift=0.1, run=False))))
    assert lines[1] == ["bear", "0.650", "0.700", "0.550", "0.550", "0.600", "0.625", "+0.025", "2.00", "-"]
    assert lines[-1][0] == "all"
