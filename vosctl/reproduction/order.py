"""Whether ours come in the paper's order, in words."""

from collections.abc import Sequence
from itertools import combinations

from vosctl.reproduction.outcome import RowOutcome

_MOST = 4  # pairs that are named


def order_note(columns: Sequence[str], rows: Sequence[RowOutcome]) -> str:
    """Which rows are not in the paper's order, by the first column that both have; empty where none has it.

    Args:
        columns: that are measured.
        rows: all of them; those of which a figure is missing do not count.
    """
    for column in columns:
        both = [row for row in rows if column in row.ours and column in row.paper]
        if len(both) > 1:
            break
    else:
        return ""
    swapped = []
    for one, other in combinations(both, 2):
        low, high = sorted((one, other), key=lambda row: row.paper[column])
        if low.paper[column] < high.paper[column] and low.ours[column] > high.ours[column]:
            swapped.append(
                f"{low.label} ({low.ours[column]:.1f}) is above {high.label} ({high.ours[column]:.1f})"
            )
    if not swapped:
        return f"By {column} the rows come in the paper's order."
    more = f", and {len(swapped) - _MOST} more" if len(swapped) > _MOST else ""
    return (
        f"By {column} the rows do not come in the paper's order: {'; '.join(swapped[:_MOST])}{more}. Few "
        "sequences, other data and other weights than the paper's, as each row says, are why."
    )
