"""The page of a run: load against replicas, each decision with its steps. One file that needs no network."""

from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import Final

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from dev.demo.recording import Change, Moment, Recording, clock, seconds_text

_TITLES: Final = ("requests", "replicas", "time to first token")
_LOAD, _REPLICAS, _TOKENS = 1, 2, 3
"""Rows of the figure, counted from 1 as plotly does."""
_BLUE, _RED, _GREEN, _AMBER, _INK, _GREY = "#4c78a8", "#d62728", "#59a14f", "#edc948", "#222222", "#9a9a9a"
_TICKS: Final = 12
_STYLE: Final = """
body { font: 15px/1.5 system-ui, sans-serif; color: #222; max-width: 1200px; margin: 2em auto; padding: 0 1em; }
h1 { font-size: 1.5em; margin-bottom: 0; } h2 { font-size: 1.15em; margin-top: 2em; }
td { padding: .25em 1.2em .25em 0; vertical-align: top; } td:nth-child(2) { white-space: nowrap; font-weight: 600; }
td:first-child, .quiet { color: #777; } ol { margin: 0; padding-left: 1.4em; }
pre { background: #f6f6f6; padding: 1em; overflow-x: auto; font-size: 12.5px; line-height: 1.35; }
"""


def write_page(recording: Recording, path: Path) -> None:
    """Write the page to ``path``, whole or not at all."""
    partial = path.with_suffix(".partial")
    partial.write_text(page(recording), encoding="utf-8")
    partial.replace(path)


def page(recording: Recording) -> str:
    """The HTML: figure, sum, decisions with their steps, what kubectl said."""
    rows = "\n".join(_row(change) for change in recording.changes)
    drawn = figure(recording).to_html(full_html=False, include_plotlyjs=True, config={"displaylogo": False})
    name = escape(recording.serving)
    return f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{name}: load against replicas</title><style>{_STYLE}</style></head>
<body>
<h1>{name}: load against replicas</h1>
<p class="quiet">{escape(recording.title)}, at {recording.speed:g} times the speed; all times are the traffic's.</p>
<p>{escape(_sum(recording))}</p>
{drawn}
<h2>Decisions</h2>
<table>
{rows}
</table>
<h2>kubectl describe elasticserving {name}</h2>
<pre>{escape(recording.description)}</pre>
</body></html>
"""


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
        drawn.update_yaxes(title_text=_TITLES[row - 1], rangemode="tozero", gridcolor="#eee", row=row, col=1)
    drawn.update_yaxes(type="log", dtick="D2", ticksuffix=" s", row=_TOKENS, col=1)
    drawn.update_yaxes(dtick=max(1, -(-recording.limit // _TICKS)), row=_REPLICAS, col=1)
    ticks = _ticks(moments)
    drawn.update_xaxes(tickvals=ticks, ticktext=[clock(tick) for tick in ticks], gridcolor="#eee", zeroline=False)
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
        _area(at, [moment.in_flight for moment in moments], "in flight", _BLUE),
        _area(at, [moment.waiting for moment in moments], "waiting in a queue", _RED),
        _line(at, held, f"serving x {target:g}", _GREEN, dash="dot", shape="hv"),
    ]


def _replicas(moments: Sequence[Moment]) -> list[go.Scatter]:
    at = [moment.at for moment in moments]
    return [
        _area(at, [moment.serving for moment in moments], "serving", _GREEN, stacked=True),
        _area(at, [moment.starting for moment in moments], "starting", _AMBER, stacked=True),
        _line(at, [moment.desired for moment in moments], "desired", _INK, shape="hv"),
    ]


def _decisions(changes: Sequence[Change]) -> go.Scatter:
    """A mark for each decision; its hover text is what status.decision said."""
    return go.Scatter(
        x=[change.seen_at for change in changes],
        y=[change.after for change in changes],
        name="decision",
        mode="markers",
        marker={
            "size": 11,
            "color": _INK,
            "symbol": ["triangle-up" if change.after > change.before else "triangle-down" for change in changes],
        },
        text=["<br>".join([f"<b>{escape(change.arrow)}</b>", *map(escape, change.steps)]) for change in changes],
        hovertemplate="%{text}<extra></extra>",
    )


def _first_tokens(moments: Sequence[Moment]) -> list[go.Scatter]:
    at = [moment.at for moment in moments]
    return [
        _line(at, [moment.first_token.p50 for moment in moments], "TTFT p50", _GREY),
        _line(at, [moment.first_token.p99 for moment in moments], "TTFT p99", _BLUE),
    ]


def _area(
    at: Sequence[float], values: Sequence[float | None], name: str, color: str, *, stacked: bool = False
) -> go.Scatter:
    how = {"stackgroup": "there", "line_shape": "hv", "line_width": 0} if stacked else {"fill": "tozeroy"}
    return go.Scatter(x=at, y=values, name=name, mode="lines", line_color=color, **how)


def _line(
    at: Sequence[float], values: Sequence[float | None], name: str, color: str, *, dash: str = "solid", shape: str = ""
) -> go.Scatter:
    line = {"color": color, "dash": dash, "width": 2, **({"shape": shape} if shape else {})}
    return go.Scatter(x=at, y=values, name=name, mode="lines", line=line)


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
