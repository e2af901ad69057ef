"""Cold starts are taken down once, when they end."""

import pytest

from elastic_serving.observe.boots import Boots
from elastic_serving.observe.inventory import inventory_of
from elastic_serving.scaling.model import Boot
from tests.unit.observe.pods import READY, SCHEDULED, UID, Pod, at, condition, pod, running

LOADING: Pod = {
    "phase": "Running",
    "conditions": [SCHEDULED, condition("Ready", "False", "10:00:05")],
    "containerStatuses": [running("10:00:20")],
}
AGAIN: Pod = {**READY, "conditions": [SCHEDULED, condition("Ready", "True", "12:00:00")]}
"""Ready since noon: it was not for a moment."""
SLOW: Pod = {**READY, "conditions": [SCHEDULED, condition("Ready", "True", "10:02:10")]}
FIRST = Boot(at("10:01:00"), 60.0)


def after(watched: str, *looks: list[Pod], size: int = 1) -> tuple[Boot, ...]:
    boots = Boots(at(watched))
    for pods in looks:
        boots = boots.after(inventory_of(UID, "llama", pods, at=at("12:30:00"), size=size))
    return boots.known


@pytest.mark.parametrize(
    ("watched", "looks", "boots"),
    [
        pytest.param("09:00:00", [[pod(0)]], (FIRST,), id="created and ready between two looks"),
        pytest.param("10:00:00.900", [[pod(0)]], (FIRST,), id="created in the second in which we began"),
        pytest.param("10:00:30", [[pod(0, status=LOADING)], [pod(0)]], (FIRST,), id="its end was seen"),
        pytest.param("10:00:30", [[pod(0, status=LOADING)]], (), id="not ended"),
        pytest.param("11:00:00", [[pod(0)]], (), id="ended before we looked"),
        pytest.param("09:00:00", [[pod(0)], [pod(0, status=LOADING)], [pod(0, status=AGAIN)]], (FIRST,), id="again"),
        pytest.param(
            "11:00:00", [[pod(0)], [pod(0, status=LOADING)], [pod(0, status=AGAIN)]], (), id="again, of one unknown"
        ),
        pytest.param("09:00:00", [[pod(0)], []], (), id="gone"),
        pytest.param(
            "09:00:00",
            [[pod(0, status=SLOW), pod(1)]],
            (FIRST, Boot(at("10:02:10"), 130.0)),
            id="in the order in which they ended",
        ),
    ],
)
def test_a_cold_start_is_from_creation_to_ready_and_never_a_later_recovery(
    watched: str, looks: list[list[Pod]], boots: tuple[Boot, ...]
) -> None:
    assert after(watched, *looks) == boots


def test_a_group_boots_from_its_first_hosts_creation_to_its_last_hosts_readiness() -> None:
    hosts = [pod(0, 0, creationTimestamp="2026-11-22T10:00:10Z"), pod(0, 1, status=SLOW)]
    assert after("09:00:00", hosts, size=2) == (Boot(at("10:02:10"), 130.0),)
