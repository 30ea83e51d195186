from vosctl.reproduction.order import order_note
from vosctl.reproduction.outcome import RowOutcome


def row(label: str, ours: float | None, paper: float | None) -> RowOutcome:
    return RowOutcome(
        label, {} if paper is None else {"J": paper}, {} if ours is None else {"J": ours, "F": 1.0}, "", ""
    )


def test_the_papers_order_holds_or_the_pairs_are_named() -> None:
    right = [row("a", 10, 50), row("b", 20, 60), row("cited", None, 55), row("new", 99, None)]
    assert order_note(("F", "J"), right) == "By J the rows come in the paper's order."
    wrong = [*right, row("c", 15, 70)]
    note = order_note(("J",), wrong)
    assert "b (20.0) is above c (15.0)" in note
    assert "a (10.0)" not in note


def test_one_row_has_no_order() -> None:
    assert order_note(("J",), [row("a", 10, 50), row("b", None, 60)]) == ""
    assert order_note((), []) == ""
