"""The scores as a table for a terminal: one column a policy, one line a number, the best of each line in bold."""

from typing import Final

from rich.console import Group
from rich.table import Table
from rich.text import Text

from elastic_serving.simulate.comparison import Comparison, best, told

_BEST: Final = "bold green"


def table(comparison: Comparison) -> Group:
    """Title, terms and table; a column for each policy fits six of them into 80 characters."""
    scores = comparison.scores
    drawn = Table(box=None, pad_edge=False, header_style="bold")
    drawn.add_column("", no_wrap=True)
    for score in scores:
        drawn.add_column(score.policy, justify="right", no_wrap=True)
    for line in told(comparison):
        number = best(line, scores)
        cells = [
            Text(line.text(score), _BEST if number is not None and line.number(score) == number else "")
            for score in scores
        ]
        drawn.add_row(Text(line.name), *cells)
    return Group(Text(comparison.title, "bold"), Text(comparison.terms, "dim"), Text(), drawn)
