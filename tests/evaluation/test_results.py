import json

import pytest

from vosctl.errors import DatasetError
from vosctl.evaluation.results import BenchmarkResult, Failure, read_results, write_results

from .small_results import small_result


def test_every_object_counts_the_same():
    result = small_result()
    assert result.summary.j.mean == pytest.approx((0.8 + 0.5 + 0.85 + 0.5) / 4)
    assert result.summary.f.mean == pytest.approx(0.55)
    assert result.summary.j_and_f == pytest.approx((0.6625 + 0.55) / 2)
    assert result.sequences[0].summary.j.mean == pytest.approx(0.65)


def test_speed_is_the_mean_of_each_sequences_n_over_t():
    speed = small_result().speed
    assert speed.model_fps == pytest.approx((4 / 2 + 4 / 1) / 2)  # not 8 / 3
    assert speed.end_to_end_fps == pytest.approx((4 / 4 + 4 / 2) / 2)
    assert speed.first_mask_seconds == pytest.approx(0.4)


@pytest.mark.parametrize("scored", [True, False])
@pytest.mark.parametrize("run", [True, False])
def test_a_file_comes_back_as_it_was(tmp_path, scored, run):
    result = small_result(scored=scored, run=run)
    result = BenchmarkResult(**{**vars(result), "failures": (Failure("dog", "out of memory"),)})
    write_results(result, tmp_path / "results.json")
    assert read_results(tmp_path / "results.json") == result


def test_the_file_names_what_made_it_and_gives_the_figures(tmp_path):
    write_results(small_result(), tmp_path / "results.json")
    content = json.loads((tmp_path / "results.json").read_text())
    assert content["run"]["weights"] == {"r18.vosctl": "ab" * 32}
    assert content["run"]["settings"] == {"window": 8}
    assert content["versions"]["vosctl"] == "0.1.0"
    assert content["figures"]["J-Mean"] == pytest.approx(0.6625)
    assert content["figures"]["model_fps"] == pytest.approx(3.0)
    assert content["figures"]["sequences"]["camel"]["J-Mean"] == pytest.approx(0.675)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "not a results.json"),
        ("{}", "KeyError"),
        ("[]", "TypeError"),
        ('{"format": 99}', "format 99, expected 1"),
        (None, "No such file"),
    ],
)
def test_another_file_is_an_error_that_names_it(tmp_path, text, message):
    path = tmp_path / "x.json"
    if text is not None:
        path.write_text(text)
    with pytest.raises(DatasetError, match=rf"x\.json: .*{message}"):
        read_results(path)
