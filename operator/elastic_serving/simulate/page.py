"""The page of a comparison: a table of the scores, and one chart a policy over one axis of time.

Lines of replicas are exact: one point for each change. Areas of requests are thinned for long runs: each point is the
highest of its stretch, so that no peak is lost.
"""

from collections.abc import Sequence
from html import escape
from typing import Any, Final, TypeVar

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from elastic_serving.simulate import drawing
from elastic_serving.simulate.compare import Outcome
from elastic_serving.simulate.comparison import Comparison, best, hours, percent, told
from elastic_serving.simulate.result import Change, Floats, Ints
from elastic_serving.simulate.score import Score

MOST_POINTS: Final = 1500
"""Of an area: more than a screen has pixels for."""
MOST_DECISIONS: Final = 600
"""Of a policy; each carries its reasons."""
_FEW_DECISIONS: Final = 60
"""So many marks can be large without hiding what they stand on."""
_FIRST_DAY: Final = 365 * 86_400.0
"""1 January 1971: where a trace without dates is drawn (plotly takes milliseconds of up to four digits for years)."""
_ROW_PIXELS: Final = 230
_HEADROOM: Final = 1.12
_Times = TypeVar("_Times", float, Floats)
_STYLE: Final = """
table { border-collapse: collapse; margin: 1.5em 0; font-variant-numeric: tabular-nums; }
th, td { padding: .3em 1em; text-align: right; white-space: pre; border-bottom: 1px solid #eee; }
th:first-child, td:first-child { text-align: left; padding-left: 0; color: #777; font-weight: normal; }
thead th { border-bottom: 2px solid #ccc; } td.best { font-weight: 700; color: #2f7d32; }
details { margin: 1em 0 3em; } dt { font-weight: 600; margin-top: .6em; } dd { margin-left: 0; color: #555; }
"""
_WORDS: Final = (
    ("dropped", "requests that were never served: lost with their replica, or none ever took them."),
    ("missed minutes", "minutes in which less than 99 % of the requests that arrived got a slot in time."),
    ("replica-hours", "from creation to deletion of each replica, boot and drain included."),
    ("static", "the smallest fixed fleet that meets the objective for 99 % of the requests, there from the start."),
    ("oracle", "a schedule that knows the future, pays the same boot and meets the same objective."),
    (
        "need",
        "requests that would be in a slot if each had one when it arrived, over the slots of a replica, rounded up: "
        "the same for every policy. Over and below it are replicas times hours.",
    ),
    ("ready, desired", "replicas times their slots, so that they stand beside the requests; a triangle is a decision."),
)


def page(comparison: Comparison) -> str:
    """The HTML; it needs no network."""
    words = "".join(f"<dt>{escape(word)}</dt><dd>{escape(meaning)}</dd>" for word, meaning in _WORDS)
    body = f"""<h1>{escape(comparison.title)}</h1>
<p class="quiet">{escape(comparison.terms)}</p>
{_table(comparison)}
{drawing.figure_html(figure(comparison))}
<details><summary>What the words mean</summary><dl>{words}</dl></details>"""
    return drawing.document(comparison.title, body, _STYLE)


def figure(comparison: Comparison) -> go.Figure:
    """One row a policy, all with the same scale at first; a button gives each its own."""
    outcomes = comparison.outcomes
    top = _HEADROOM * max(_highest(outcome, comparison.world.slots) for outcome in outcomes)
    drawn = make_subplots(
        rows=len(outcomes),
        cols=1,
        shared_xaxes=True,
        vertical_spacing=0.25 / len(outcomes) ** 1.2,
        subplot_titles=[_headline(outcome.score) for outcome in outcomes],
    )
    for row, outcome in enumerate(outcomes, start=1):
        for trace in _traces(outcome, comparison, top):
            drawn.add_trace(trace.update(showlegend=row == 1, legendgroup=trace.name), row=row, col=1)
    drawn.update_annotations(x=0, xanchor="left", font_size=14)
    drawn.update_yaxes(range=[0, top], gridcolor=drawing.GRID, title_text="requests", title_font_size=11)
    ends = max(outcome.timeline.at[-1] for outcome in outcomes) + 1
    drawn.update_xaxes(range=[_moment(0, comparison), _moment(ends, comparison)])
    drawn.update_xaxes(type="date", gridcolor=drawing.GRID, zeroline=False, tickformatstops=_ticks(comparison.begins))
    axes = ["yaxis" if row == 1 else f"yaxis{row}" for row in range(1, len(outcomes) + 1)]
    drawn.update_layout(
        height=_ROW_PIXELS * len(outcomes) + 120,
        margin={"l": 60, "r": 20, "t": 90, "b": 40},
        hovermode="x unified",
        hoverlabel={"align": "left", "font_size": 12},
        plot_bgcolor="white",
        legend={"orientation": "h", "y": 1, "yref": "container", "yanchor": "top", "traceorder": "normal"},
        updatemenus=[_scales(axes, top)],
    )
    return drawn


def thinned(at: Floats, values: Ints, points: int = MOST_POINTS) -> tuple[Floats, Ints]:
    """The highest value of each of at most ``points`` stretches of equal length, at the stretch's start.

    Example: 3, 1, 4, 1, 5 in three points are 3, 4, 5. Test: ``a thinned area keeps its peaks``.
    """
    stretch = -(-len(values) // points)
    if stretch <= 1:
        return at, values
    starts = np.arange(0, len(values), stretch)
    return at[starts], np.maximum.reduceat(values, starts)


def steps(at: Floats, values: Ints) -> tuple[Floats, Ints]:
    """The points at which a step line changes, its first and its last included."""
    if not len(values):
        return at, values
    kept = np.flatnonzero(np.diff(values, prepend=values[0] - 1))
    kept = np.unique(np.append(kept, len(values) - 1))
    return at[kept], values[kept]


def _traces(outcome: Outcome, comparison: Comparison, top: float) -> Sequence[go.Scatter]:
    """Requests in slots and in the queue as areas, ready and desired slots as lines, decisions as marks."""
    timeline, slots = outcome.timeline, comparison.world.slots
    stacked: dict[str, Any] = {"stackgroup": "requests", "line_width": 0}

    def thin(values: Ints) -> tuple[Floats, Ints]:
        at, kept = thinned(timeline.at, values)
        return _moment(at, comparison), kept

    def step(values: Ints) -> tuple[Floats, Ints]:
        at, kept = steps(timeline.at, values)
        return _moment(at, comparison), kept * slots

    changes = _largest(outcome.changes)
    return (
        drawing.area(*thin(timeline.running), "running", drawing.BLUE, fillcolor="#a9c1dc", **stacked),
        drawing.area(*thin(timeline.waiting), "waiting", drawing.RED, fillcolor="#e8898a", **stacked),
        drawing.decisions(
            _moment(np.array([change.at for change in changes]), comparison),
            [min(change.after * slots, top) for change in changes],
            [(change.before, change.after) for change in changes],
            [_reasons(change) for change in changes],
        ).update(marker={"size": 9, "opacity": 1} if len(changes) <= _FEW_DECISIONS else {"size": 5, "opacity": 0.5}),
        drawing.line(*step(timeline.ready), "ready", drawing.GREEN, shape="hv"),
        drawing.line(*step(timeline.desired), "desired", drawing.INK, shape="hv", dash="dot").update(line_width=1),
    )


def _moment(seconds: _Times, comparison: Comparison) -> _Times:
    """Milliseconds, as plotly's dates are."""
    return (seconds + (comparison.begins or _FIRST_DAY)) * 1000.0


def _reasons(change: Change) -> str:
    return drawing.reasons(f"{change.before} → {change.after}  {change.why}", change.steps)


def _largest(changes: Sequence[Change]) -> Sequence[Change]:
    """At most ``MOST_DECISIONS`` in the order of time: of neighbours the one that moved most."""
    together = -(-len(changes) // MOST_DECISIONS) or 1
    groups = (changes[first : first + together] for first in range(0, len(changes), together))
    return [max(group, key=lambda change: abs(change.after - change.before)) for group in groups]


def _highest(outcome: Outcome, slots: int) -> float:
    """What a row must have room for; a queue above it is cut off by the frame."""
    timeline = outcome.timeline
    return float(max(timeline.ready.max(initial=0) * slots, timeline.running.max(initial=0), slots))


def _headline(score: Score) -> str:
    cost = f"{hours(score.replica_hours)} replica-hours"
    ratio = f" ({percent(score.cost_to_static, 0)} of static)" if score.cost_to_static is not None else ""
    return f"<b>{escape(score.policy)}</b>   {percent(score.wait_attainment)} in time, {cost}{ratio}"


def _scales(axes: Sequence[str], top: float) -> dict[str, object]:
    """Two buttons: all rows on one scale, or each on its own."""

    def button(label: str, change: dict[str, object]) -> dict[str, object]:
        return {
            "label": label,
            "method": "relayout",
            "args": [{f"{axis}.{k}": v for axis in axes for k, v in change.items()}],
        }

    return {
        "type": "buttons",
        "direction": "right",
        "x": 1,
        "xanchor": "right",
        "y": 1,
        "yanchor": "bottom",
        "pad": {"b": 28},
        "buttons": [button("same scale", {"range": [0, top]}), button("own scale", {"autorange": True})],
    }


def _ticks(begins: float) -> list[dict[str, object]]:
    """History has dates; a trace counts its days from 1 (it is drawn as January 1971)."""
    day = "%d %b" if begins else "day %-d"
    second, minute, hours_ = 1000, 60_000, 3_600_000
    return [
        {"dtickrange": [None, minute - second], "value": "%H:%M:%S"},
        {"dtickrange": [minute - second, 12 * hours_], "value": "%H:%M"},
        {"dtickrange": [12 * hours_, None], "value": f"{day} %H:%M"},
    ]


def _table(comparison: Comparison) -> str:
    scores = comparison.scores
    head = "".join(f"<th>{escape(score.policy)}</th>" for score in scores)
    rows = []
    for line in told(comparison):
        number = best(line, scores)
        cells = "".join(
            f"<td{' class=best' if number is not None and line.number(s) == number else ''}>{escape(line.text(s))}</td>"
            for s in scores
        )
        rows.append(f"<tr><td>{escape(line.name)}</td>{cells}</tr>")
    return f"<table><thead><tr><th></th>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table>"
