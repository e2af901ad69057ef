"""The page of a run: load against replicas, each decision with its steps. One file that needs no network."""

from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import Final

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from dev.demo.recording import Change, Moment, Recording, clock, seconds_text
from elastic_serving.simulate import drawing
from elastic_serving.simulate.drawing import AMBER, BLUE, GREEN, GREY, GRID, INK, RED, area, line

_TITLES: Final = ("requests", "replicas", "time to first token")
_LOAD, _REPLICAS, _TOKENS = 1, 2, 3
"""Rows of the figure, counted from 1 as plotly does."""
_TICKS: Final = 12
_STACKED: Final = {"stackgroup": "there", "line_shape": "hv", "line_width": 0}
_STYLE: Final = """
td { padding: .25em 1.2em .25em 0; vertical-align: top; } td:nth-child(2) { white-space: nowrap; font-weight: 600; }
td:first-child { color: #777; }
"""


def write_page(recording: Recording, path: Path) -> None:
    """Write the page to ``path``, whole or not at all."""
    drawing.write_whole(path, page(recording))


def page(recording: Recording) -> str:
    """The HTML: figure, sum, decisions with their steps, what kubectl said."""
    rows = "\n".join(_row(change) for change in recording.changes)
    name = escape(recording.serving)
    body = f"""<h1>{name}: load against replicas</h1>
<p class="quiet">{escape(recording.title)}, at {recording.speed:g} times the speed; all times are the traffic's.</p>
<p>{escape(_sum(recording))}</p>
{drawing.figure_html(figure(recording))}
<h2>Decisions</h2>
<table>
{rows}
</table>
<h2>kubectl describe elasticserving {name}</h2>
<pre>{escape(recording.description)}</pre>"""
    return drawing.document(f"{recording.serving}: load against replicas", body, _STYLE)


def figure(recording: Recording) -> go.Figure:
    """Three rows over one axis of time: requests, replicas, time to first token."""
    moments = recording.moments
    drawn = make_subplots(rows=3, cols=1, shared_xaxes=True, vertical_spacing=0.05, row_heights=[0.42, 0.36, 0.22])
    for row, traces in (
        (_LOAD, _load(moments, recording.target)),
        (_REPLICAS, [*_replicas(moments), _decisions(recording.changes)]),
        (_TOKENS, _first_tokens(moments)),
    ):
        for trace in traces:
            drawn.add_trace(trace, row=row, col=1)
        drawn.update_yaxes(title_text=_TITLES[row - 1], rangemode="tozero", gridcolor=GRID, row=row, col=1)
    drawn.update_yaxes(type="log", dtick="D2", ticksuffix=" s", row=_TOKENS, col=1)
    drawn.update_yaxes(dtick=max(1, -(-recording.limit // _TICKS)), row=_REPLICAS, col=1)
    ticks = _ticks(moments)
    drawn.update_xaxes(tickvals=ticks, ticktext=[clock(tick) for tick in ticks], gridcolor=GRID, zeroline=False)
    drawn.update_layout(
        height=820,
        margin={"l": 70, "r": 20, "t": 30, "b": 40},
        hovermode="x unified",
        plot_bgcolor="white",
        legend={"orientation": "h", "y": 1.06, "traceorder": "normal"},
    )
    return drawn


def _load(moments: Sequence[Moment], target: float) -> list[go.Scatter]:
    at = [moment.at for moment in moments]
    held = [target * (moment.serving or 0) for moment in moments]
    return [
        area(at, [moment.in_flight for moment in moments], "in flight", BLUE),
        area(at, [moment.waiting for moment in moments], "waiting in a queue", RED),
        line(at, held, f"serving x {target:g}", GREEN, dash="dot", shape="hv"),
    ]


def _replicas(moments: Sequence[Moment]) -> list[go.Scatter]:
    at = [moment.at for moment in moments]
    return [
        area(at, [moment.serving for moment in moments], "serving", GREEN, **_STACKED),
        area(at, [moment.starting for moment in moments], "starting", AMBER, **_STACKED),
        line(at, [moment.desired for moment in moments], "desired", INK, shape="hv"),
    ]


def _decisions(changes: Sequence[Change]) -> go.Scatter:
    """A mark for each decision; its hover text is what status.decision said."""
    return drawing.decisions(
        [change.seen_at for change in changes],
        [change.after for change in changes],
        [(change.before, change.after) for change in changes],
        [drawing.reasons(change.arrow, change.steps) for change in changes],
    )


def _first_tokens(moments: Sequence[Moment]) -> list[go.Scatter]:
    at = [moment.at for moment in moments]
    return [
        line(at, [moment.first_token.p50 for moment in moments], "TTFT p50", GREY),
        line(at, [moment.first_token.p99 for moment in moments], "TTFT p99", BLUE),
    ]


def _ticks(moments: Sequence[Moment]) -> list[int]:
    """Whole minutes of the run, so many apart that there are ``_TICKS`` at most."""
    if not moments:
        return []
    first, last = int(moments[0].at // 60), int(moments[-1].at // 60) + 1
    step = max(1, -(-(last - first) // _TICKS))
    return [minute * 60 for minute in range(first - first % step, last + 1, step)]


def _row(change: Change) -> str:
    steps = "".join(f"<li>{escape(step)}</li>" for step in change.steps)
    return f"<tr><td>{clock(change.seen_at)}</td><td>{escape(change.arrow)}</td><td><ol>{steps}</ol></td></tr>"


def _sum(recording: Recording) -> str:
    total = recording.total
    failed = ", ".join(f"{count} {what}" for what, count in total.errors.items())
    return (
        f"{total.sent} requests, {total.failed} failed{f' ({failed})' if failed else ''}. "
        f"Time to first token: p50 {seconds_text(total.first_token.p50)}, p99 {seconds_text(total.first_token.p99)}. "
        f"{len(recording.changes)} decisions; {recording.replica_minutes:.0f} GPU minutes, where {recording.limit} "
        f"replicas all the time are {recording.limit * recording.minutes:.0f}. {recording.caveat}"
    )
