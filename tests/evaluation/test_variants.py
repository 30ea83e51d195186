from vosctl.evaluation.variants import Variant
from vosctl.systems.settings import TrackerSettings


def test_the_rows_of_table_1():
    settings = TrackerSettings(learning_rate=0.2)
    rows = {variant.value: variant.apply(settings) for variant in Variant}
    assert {name: (row.refine, row.update) for name, row in rows.items()} == {
        "base-net": (True, False),
        "fine-tune": (True, False),
        "d-only-no-update": (False, False),
        "d-only": (False, True),
        "no-update": (True, False),
        "ours": (True, True),
    }
    assert [name for name, row in rows.items() if row.fine_tune] == ["fine-tune"]
    assert all(row.learning_rate == 0.2 for row in rows.values())
