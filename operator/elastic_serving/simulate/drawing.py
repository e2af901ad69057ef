"""What our pages share: one self-contained document, the colours of what is drawn, and lines, areas and decisions.

plotly's script is written into the page, so that it opens without a network, from a file, years later.
"""

from collections.abc import Sequence
from html import escape
from pathlib import Path
from textwrap import wrap
from typing import Any, Final, TypeAlias

import plotly.graph_objects as go

from elastic_serving.simulate.result import Floats, Ints

Numbers: TypeAlias = Sequence[float | None] | Sequence[float] | Sequence[int] | Floats | Ints

BLUE: Final = "#4c78a8"
RED: Final = "#d62728"
GREEN: Final = "#59a14f"
AMBER: Final = "#edc948"
INK: Final = "#222222"
GREY: Final = "#9a9a9a"
GRID: Final = "#eeeeee"

_HOVER_COLUMNS: Final = 110
_STYLE: Final = """
body { font: 15px/1.5 system-ui, sans-serif; color: #222; max-width: 1200px; margin: 2em auto; padding: 0 1em; }
h1 { font-size: 1.5em; margin-bottom: 0; } h2 { font-size: 1.15em; margin-top: 2em; }
.quiet { color: #777; } ol { margin: 0; padding-left: 1.4em; }
pre { background: #f6f6f6; padding: 1em; overflow-x: auto; font-size: 12.5px; line-height: 1.35; }
"""


def document(title: str, body: str, style: str = "") -> str:
    """The HTML page; ``body`` is HTML, ``title`` is text."""
    head = f'<meta charset="utf-8"><title>{escape(title)}</title><style>{_STYLE}{style}</style>'
    return f'<!doctype html>\n<html lang="en"><head>{head}</head>\n<body>\n{body}\n</body></html>\n'


def figure_html(figure: go.Figure) -> str:
    """The figure with plotly's script in it, for the one figure of a page."""
    html: str = figure.to_html(
        full_html=False, include_plotlyjs=True, config={"displaylogo": False, "responsive": True}
    )
    return html


def write_whole(path: Path, text: str) -> None:
    """Write the file, whole or not at all."""
    partial = path.with_name(f"{path.name}.partial")
    partial.write_text(text, encoding="utf-8")
    partial.replace(path)


def area(at: Numbers, values: Numbers, name: str, color: str, **how: Any) -> go.Scatter:
    """Filled down to zero, or to the area below where ``how`` has a stackgroup."""
    fill = {} if "stackgroup" in how else {"fill": "tozeroy"}
    return go.Scatter(x=at, y=values, name=name, mode="lines", **({"line_color": color} | fill | how))


def line(at: Numbers, values: Numbers, name: str, color: str, *, dash: str = "solid", shape: str = "") -> go.Scatter:
    """A line of two pixels; the shape ``hv`` makes it a step."""
    drawn = {"color": color, "dash": dash, "width": 2, **({"shape": shape} if shape else {})}
    return go.Scatter(x=at, y=values, name=name, mode="lines", line=drawn)


def decisions(at: Numbers, height: Numbers, arrows: Sequence[tuple[int, int]], told: Sequence[str]) -> go.Scatter:
    """A mark for each change of desired, up or down; ``told`` is the HTML of its hover text."""
    return go.Scatter(
        x=at,
        y=height,
        name="decision",
        mode="markers",
        marker={
            "size": 11,
            "color": INK,
            "symbol": ["triangle-up" if after > before else "triangle-down" for before, after in arrows],
        },
        text=told,
        hovertemplate="%{text}<extra></extra>",
    )


def reasons(title: str, steps: Sequence[str]) -> str:
    """Hover text: what changed, then one step after another, broken into lines that a screen holds."""
    lines = [part for step in steps for part in wrap(step, _HOVER_COLUMNS, subsequent_indent="\u2003")]
    return "<br>".join([f"<b>{escape(title)}</b>", *map(escape, lines)])
