"""Changes of the number out of records, status and Events: each once, with what each source knows, newest last."""

from typing import Any

import pytest

from elastic_serving.api.status import DecisionStatus
from elastic_serving.api.times import timestamp
from elastic_serving.report.timeline import Change, as_json, block, timeline

AT = 1_790_000_000.25
STEP = {"stage": "limits", "in": 3, "out": 3, "reason": "1 to 8 -> 3"}


def record(seconds: float, before: int, after: int) -> dict[str, Any]:
    return {"at": AT + seconds, "from": before, "to": after, "reason": "Concurrency", "steps": [STEP]}


def status(seconds: float, before: int, after: int) -> DecisionStatus:
    written = {"from": before, "to": after, "reason": "Concurrency", "time": timestamp(AT + seconds)}
    return DecisionStatus.model_validate(written | {"steps": ("limits: 1 to 8 -> 3",)})


def event(seconds: float, before: int, after: int, reason: str = "ScalingUp") -> dict[str, Any]:
    message = f"{before} -> {after} replicas: Concurrency 67 is above 22.4 per replica"
    return {"reason": reason, "message": message, "firstTimestamp": timestamp(AT + seconds)}


def told(changes: tuple[Change, ...]) -> list[tuple[float, int, int, tuple[str, ...]]]:
    """Seconds after AT, cut to the second where no record knows better, the change, and who told it."""
    return [(change.at - AT, change.before, change.after, change.sources) for change in changes]


@pytest.mark.parametrize(
    ("records", "written", "events", "found"),
    [
        pytest.param([], None, [], [], id="nothing"),
        pytest.param(
            [record(0, 1, 3)], status(0, 1, 3), [event(2, 1, 3)],
            [(0, 1, 3, ("record", "status", "event"))], id="one change from all three",
        ),
        pytest.param(
            [], status(0, 1, 3), [event(599, 1, 3)],
            [(-0.25, 1, 3, ("status", "event"))], id="an Event told after ten minutes",
        ),
        pytest.param(
            [], status(0, 1, 3), [event(700, 1, 3)],
            [(-0.25, 1, 3, ("status",)), (699.75, 1, 3, ("event",))], id="an Event of another one",
        ),
        pytest.param(
            [record(0, 1, 3), record(60, 3, 1), record(90, 1, 3)], status(90, 1, 3),
            [event(90, 1, 3), event(60, 3, 1, "ScalingDown"), event(0, 1, 3)],
            [(0, 1, 3, ("record", "event")), (60, 3, 1, ("record", "event")),
             (90, 1, 3, ("record", "status", "event"))],
            id="up, down and up again: each Event goes to its own",
        ),
        pytest.param(
            [record(0, 1, 3), record(0, 1, 3), record(1, 3, 3)], None, [],
            [(0, 1, 3, ("record",))], id="the same record twice, and no change",
        ),
        pytest.param(
            [record(5, 1, 3)], status(0, 1, 2), [],
            [(-0.25, 1, 2, ("status",)), (5, 1, 3, ("record",))], id="two changes within seconds",
        ),
        pytest.param([], None, [event(0, 1, 3, "ReplicaReady"), {"reason": "ScalingUp", "message": "so"}], [],
                     id="other Events"),
    ],
)  # fmt: skip
def test_every_change_is_told_once(
    records: list[dict[str, Any]],
    written: DecisionStatus | None,
    events: list[dict[str, Any]],
    found: list[tuple[float, int, int, tuple[str, ...]]],
) -> None:
    assert told(timeline(records, written, events)) == found


def test_a_change_reads_as_a_block() -> None:
    [change] = timeline([record(0, 1, 3)], None, [event(0, 1, 3)])
    assert block(change) == (
        "2026-09-21T14:13:20Z  1 -> 3  Concurrency\n"
        "  Concurrency 67 is above 22.4 per replica\n"
        "  limits: 1 to 8 -> 3"
    )  # fmt: skip
    assert as_json(change) == (
        '{"time": "2026-09-21T14:13:20Z", "from": 1, "to": 3, "reason": "Concurrency", '
        '"cause": "Concurrency 67 is above 22.4 per replica", "steps": ["limits: 1 to 8 -> 3"], '
        '"sources": ["record", "event"]}'
    )


def test_a_change_that_only_an_event_tells_of_has_its_sentence() -> None:
    [change] = timeline([], None, [event(0, 1, 3)])
    assert block(change) == "2026-09-21T14:13:20Z  1 -> 3\n  Concurrency 67 is above 22.4 per replica"
