"""Recorded decisions, of Advise for instance, as a policy that a simulated world can play."""

from pathlib import Path

from elastic_serving.commands.records import files_of, records_in
from elastic_serving.commands.refusal import Refused
from elastic_serving.report.observation import Recorded
from elastic_serving.simulate.played import Played
from elastic_serving.simulate.policy import Wish


def recorded_policy(paths: tuple[Path, ...], serving: str, *, begins: float, seconds: float) -> Played:
    """What was decided for ``serving`` (a name, or namespace/name) from ``begins`` on, each with its steps.

    What held at the beginning is the last decision before it, or the first one's own beginning. Raises Refused where
    there is none, or where a name has records from several namespaces.
    """
    found = [recorded for path in files_of(paths) for _, recorded in records_in(path) if _is_of(recorded, serving)]
    namespaces = {recorded.serving for recorded in found} - {""}
    if len(namespaces) > 1:
        raise Refused(f"records of {' and '.join(sorted(namespaces))}: the manifest must name its namespace")
    decided = sorted((recorded.seen.at, _wish(recorded)) for recorded in found if recorded.decision is not None)
    before = [wish for at, wish in decided if at <= begins]
    within = [(at - begins, wish) for at, wish in decided if begins < at < begins + seconds]
    if not before and not within:
        raise Refused(f"{', '.join(map(str, paths))}: no decision for {serving} in the past that is tried")
    first = [(0.0, before[-1])] if before else []
    at, wishes = zip(*(first + within), strict=True)
    return Played("recorded", at, wishes)


def _is_of(recorded: Recorded, serving: str) -> bool:
    """A line without a serving is anybody's."""
    return not recorded.serving or recorded.serving == serving or recorded.serving.endswith(f"/{serving}")


def _wish(recorded: Recorded) -> Wish:
    decision = recorded.decision or {}
    steps = tuple(f"{step['stage']}: {step['reason']}" for step in decision["steps"])
    return Wish(decision["to"], decision["reason"], steps)
