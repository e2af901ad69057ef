"""What table, JSON and page are made of: the outcomes, and the words for each number of a score."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from elastic_serving.simulate.cluster import World
from elastic_serving.simulate.compare import Outcome
from elastic_serving.simulate.score import Objective, Score


@dataclass(frozen=True, slots=True, eq=False)
class Comparison:
    """A finished comparison. ``terms`` are the words under the title: what all policies shared."""

    title: str
    terms: str
    world: World
    objective: Objective
    outcomes: tuple[Outcome, ...]
    begins: float = 0.0
    """Epoch seconds at which the trace begins, where it is history; else 0, and times count from the start."""

    @property
    def scores(self) -> tuple[Score, ...]:
        """In the order of the outcomes."""
        return tuple(outcome.score for outcome in self.outcomes)


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the table: its name, its text for a score, its number, and which direction is better."""

    name: str
    text: Callable[[Score], str]
    number: Callable[[Score], float | None]
    is_better: Callable[[float, float], bool] | None = None


def lines(objective: Objective) -> Sequence[Line]:
    """What is told of each policy, in order; what was not asked for is left out."""
    asked = " and ".join(
        f"{name} ≤ {seconds * factor:g} {unit}"
        for name, seconds, factor, unit in (
            ("TTFT", objective.ttft_seconds, 1, "s"),
            ("TPOT", objective.tpot_seconds, 1000, "ms"),
        )
        if seconds is not None
    )
    tokens = [Line(f"{asked}", lambda s: percent(s.token_attainment), lambda s: s.token_attainment, _more)]
    return (
        Line(f"wait ≤ {objective.wait_seconds:g} s", lambda s: percent(s.wait_attainment), _attainment, _more),
        *(tokens if asked else ()),
        Line("wait p50", lambda s: seconds_text(s.wait_p50_seconds), lambda s: s.wait_p50_seconds),
        Line("wait p99", lambda s: seconds_text(s.wait_p99_seconds), lambda s: s.wait_p99_seconds),
        Line("TTFT p50", lambda s: seconds_text(s.ttft_p50_seconds), lambda s: s.ttft_p50_seconds),
        Line("TTFT p99", lambda s: seconds_text(s.ttft_p99_seconds), lambda s: s.ttft_p99_seconds),
        Line("dropped", lambda s: f"{s.dropped:,}", lambda s: s.dropped, _less),
        Line("missed minutes", lambda s: f"{s.missed_minutes:,}", lambda s: s.missed_minutes, _less),
        Line("replica-hours", lambda s: hours(s.replica_hours), lambda s: s.replica_hours, _less),
        Line("  of static", lambda s: percent(s.cost_to_static, 0), lambda s: s.cost_to_static),
        Line("  of oracle", lambda s: percent(s.cost_to_oracle, 0), lambda s: s.cost_to_oracle),
        Line("  above need", lambda s: hours(s.over_provisioned_hours), lambda s: s.over_provisioned_hours, _less),
        Line("  below need", lambda s: hours(s.under_provisioned_hours), lambda s: s.under_provisioned_hours, _less),
        Line("scale events", lambda s: f"{s.scale_events:,}", lambda s: s.scale_events, _less),
        Line("peak desired", lambda s: f"{s.peak_desired:,}", lambda s: s.peak_desired, _less),
    )


def told(comparison: Comparison) -> Sequence[Line]:
    """The lines that have something to say: a ratio to a policy that did not run is left out."""
    scores = comparison.scores
    return [line for line in lines(comparison.objective) if any(line.text(score) != NOTHING for score in scores)]


def best(line: Line, scores: Sequence[Score]) -> float | None:
    """The best number of a line, where one is better than another."""
    numbers = [number for score in scores if (number := line.number(score)) is not None]
    if line.is_better is None or len(set(numbers)) < 2:
        return None
    found = numbers[0]
    for number in numbers[1:]:
        found = number if line.is_better(number, found) else found
    return found


NOTHING: Final = "-"
"""Stands for a number that there is not."""


def percent(share: float | None, digits: int = 2) -> str:
    """``99.91 %``; what is not all is never shown as 100."""
    if share is None:
        return NOTHING
    rounded = round(share * 100, digits)
    if rounded == 100 and share < 1:
        rounded = 100 - 10**-digits
    return f"{rounded:.{digits}f} %"


def seconds_text(seconds: float | None) -> str:
    """``3.7 s``, two digits that matter; ``never`` where that request was never served."""
    if seconds is None:
        return "never"
    return f"{seconds:,.0f} s" if seconds >= 10 else f"{seconds:.2g} s"


def hours(value: float) -> str:
    """``939``, ``9.46``, ``0.28``: three digits that matter."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def _attainment(score: Score) -> float:
    return score.wait_attainment


def _more(one: float, other: float) -> bool:
    return one > other


def _less(one: float, other: float) -> bool:
    return one < other
