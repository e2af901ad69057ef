"""The two screens: a live one for terminals, lines for everything else."""

import time
from collections.abc import Sequence
from typing import Final

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from dev.demo.performance import Look
from dev.demo.recording import Change, Moment, clock, seconds_text

LINE_SECONDS: Final = 3.0
"""Real time between two lines where there is no live screen."""
_CHANGES: Final = 8
_BARS: Final = " ▁▂▃▄▅▆▇█"


class Lines:
    """A line every few seconds, and one for each decision as it comes."""

    def __init__(self, console: Console, name: str) -> None:
        self._console = console
        self._name = name
        self._last_line_at = float("-inf")
        self._told = 0
        self._act = ""

    def show(self, look: Look) -> None:
        """Print what is new."""
        if look.act != self._act:
            self._act = look.act
            self._print(f"-- {look.act}")
        for change in look.changes[self._told :]:
            self._print(f"{clock(change.seen_at)}  {change.arrow:8} {change.sentence}")
        self._told = len(look.changes)
        if time.monotonic() - self._last_line_at >= LINE_SECONDS:
            self._last_line_at = time.monotonic()
            self._print(self._line(look))

    def _line(self, look: Look) -> str:
        moment, first = look.moment, look.moment.first_token
        return (
            f"{clock(moment.at)}  {self._name}  load {moment.in_flight}  queue {moment.waiting}  "
            f"desired {_count(moment.desired)}  serving {_count(moment.serving)}  starting {_count(moment.starting)}  "
            f"TTFT p50 {seconds_text(first.p50)} p99 {seconds_text(first.p99)}  {look.status.why or ''}"
        )

    def _print(self, line: str) -> None:
        self._console.print(line, markup=False, highlight=False, soft_wrap=True)


class LiveScreen:
    """The screen of a terminal, drawn anew at each look."""

    def __init__(self, live: Live, name: str, *, speed: float, duration: float) -> None:
        self._live = live
        self._name = name
        self._speed = speed
        self._duration = duration

    def show(self, look: Look) -> None:
        """Draw it."""
        self._live.update(self._drawn(look), refresh=True)

    def _drawn(self, look: Look) -> RenderableType:
        parts = [self._numbers(look), _history(look.moments, self._live.console.width), _replicas(look)]
        title = f"{self._name}   {look.act}   speed {self._speed:g}x   {self._clock(look)}"
        return Group(Panel(Group(*parts), title=title, title_align="left"), _timeline(look.changes))

    def _clock(self, look: Look) -> str:
        return f"{clock(look.moment.at)} of {clock(self._duration)}"

    def _numbers(self, look: Look) -> Text:
        moment, first = look.moment, look.moment.first_token
        starting, serving = moment.starting or 0, moment.serving or 0
        return Text.assemble(
            ("load ", "dim"), (f"{moment.in_flight:<4}", "bold"),
            ("  queue ", "dim"), (f"{moment.waiting:<4}", "bold red" if moment.waiting else "bold"),
            ("  desired ", "dim"), (_count(moment.desired), "bold"),
            ("  serving ", "dim"), ("█" * serving, "green"), (f" {_count(moment.serving)}", "bold"),
            ("  starting ", "dim"), ("░" * starting, "yellow"), (f" {_count(moment.starting)}", "bold"),
            ("  TTFT p50 ", "dim"), (seconds_text(first.p50), "bold"),
            ("  p99 ", "dim"), (seconds_text(first.p99), "bold"),
        )  # fmt: skip


def _history(moments: Sequence[Moment], width: int) -> Text:
    """Load and replicas of the last moments as bars."""
    shown = moments[-max(1, width - 16) :]
    return Text.assemble(
        ("load     ", "dim"), (bars([m.in_flight for m in shown]), "cyan"), "\n",
        ("serving  ", "dim"), (bars([m.serving or 0 for m in shown]), "green"),
    )  # fmt: skip


def bars(values: Sequence[float]) -> str:
    """One character for each value, as high as its share of the greatest; 0 is a blank, and only 0."""
    top = max(values, default=0)
    return "".join(_BARS[0 if value <= 0 else max(1, round(value / top * (len(_BARS) - 1)))] for value in values)


def _replicas(look: Look) -> Text:
    lines = [look.status.summary or "waiting for the operator", *(f"  {line}" for line in look.status.replicas)]
    return Text("\n".join(lines))


def _timeline(changes: Sequence[Change]) -> Table:
    """The newest decisions, newest first, as status.decision explained them."""
    table = Table.grid(padding=(0, 2))
    table.add_column(style="dim")
    table.add_column(style="bold", min_width=8)
    table.add_column()
    for change in reversed(changes[-_CHANGES:]):
        table.add_row(clock(change.seen_at), change.arrow, Text(change.sentence))
    return table


def _count(number: int | None) -> str:
    return "-" if number is None else str(number)
