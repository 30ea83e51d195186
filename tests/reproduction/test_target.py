"""What `papers.toml` lists, held against the papers."""

import pytest

from vosctl.errors import UsageError
from vosctl.evaluation.variants import Variant
from vosctl.reproduction.target import Row, Target, target_named, targets
from vosctl.systems.presets import Preset
from vosctl.systems.settings import TrackerSettings

NAMES = [
    *(f"frtm-table{number}" for number in range(1, 7)),
    *(f"frtm-figure{number}" for number in range(4, 10)),
    *(f"agame-table{number}" for number in range(1, 5)),
    "agame-figure3",
]


def test_every_table_and_figure_that_shows_results() -> None:
    assert [one.name for one in targets()] == NAMES
    for one in targets():
        assert all((one.title, one.data, one.needs, one.hours))


def test_table_1_as_printed() -> None:
    rows = {row.label: (row.paper["J"], row.variant) for row in target_named("frtm-table1").rows}
    assert rows == {
        "Base net": (49.8, "base-net"),
        "F.-T.": (58.9, "fine-tune"),
        "D-only - no update": (58.3, "d-only-no-update"),
        "D-only": (59.6, "d-only"),
        "Ours - no update": (67.9, "no-update"),
        "Ours": (71.4, "ours"),
    }


@pytest.mark.parametrize("name", ["frtm-table2", "agame-table1", "frtm-table4"])
def test_g_is_the_mean_of_its_four_parts_where_all_are_printed(name: str) -> None:
    parts = ("J seen", "J unseen", "F seen", "F unseen")
    for row in target_named(name).rows:
        # FRTM prints 46.1 for OnAVOS' J of unseen classes, A-GAME 46.6, of which G is the mean.
        if all(part in row.paper for part in parts) and row.label != "OnAVOS":
            mean = sum(row.paper[part] for part in parts) / 4
            assert mean == pytest.approx(row.paper["G"], abs=0.1), row.label


def test_j_and_f_is_the_mean_of_j_and_f_where_both_are_printed() -> None:
    for name in ("agame-table3", "agame-table4"):
        for row in target_named(name).rows:
            if {"J", "F", "J&F"} <= set(row.paper):
                assert (row.paper["J"] + row.paper["F"]) / 2 == pytest.approx(row.paper["J&F"], abs=0.11)


def test_the_steps_of_table_5_are_all_of_the_time() -> None:
    assert sum(row.paper["percent"] for row in target_named("frtm-table5").rows) == pytest.approx(
        100, abs=0.2
    )


def test_every_row_can_be_made() -> None:
    known = set(TrackerSettings.__dataclass_fields__)
    for target in targets():
        for row in target.all_rows():
            assert set(row.settings) <= known
            assert row.variant in {"", *Variant}
            assert row.preset in {"", *Preset}
            assert row.cited or not row.reason.startswith("another")


def test_a_sweep_is_every_combination_and_takes_other_values() -> None:
    figure = target_named("frtm-figure9")
    rows = figure.all_rows()
    with_eta = [row.settings["update_interval"] for row in rows if row.settings["learning_rate"] == 0.1]
    assert with_eta == list(figure.sweep["update_interval"])  # eta 0.1 at every t_s
    other = figure.swept({"learning_rate": (0.3,)}).all_rows()
    assert [row.label for row in other][:2] == ["eta = 0.3, t_s = 1", "eta = 0.3, t_s = 4"]
    with pytest.raises(UsageError, match="--sweep seed: frtm-figure9 sweeps over learning_rate"):
        figure.swept({"seed": (1,)})


def test_a_listed_row_keeps_its_figures_in_a_sweep() -> None:
    row = Row("one", {"J": 1.0}, settings={"initial_samples": 1})
    target = Target("t", "T", "scores", "d", "n", "h", (row,), sweep={"initial_samples": (1, 2)})
    assert target.all_rows()[0] is row
    assert target.all_rows()[1].label == "|M_0| = 2"
    assert not target_named("frtm-table6").trains
    assert target_named("agame-table1").trains


def test_a_wrong_name_is_answered_with_the_right_one() -> None:
    with pytest.raises(UsageError, match="frtm-table1"):
        target_named("frtm-tabel1")
