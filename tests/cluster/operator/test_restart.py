"""What a decision needs survives the process that made it: windows, rate policies, the desired number itself."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import pytest

from tests.support.cluster import eventually
from tests.support.operator import Operator, Release
from tests.support.records import records_in
from tests.support.servings import Servings

PERIOD = 15
WINDOW = 20
SHORT_LEASE = {"lease_duration_seconds": "6", "lease_renew_seconds": "4", "lease_retry_seconds": "1"}


@dataclass(frozen=True, slots=True)
class Change:
    """A decision that changed desired, at epoch seconds."""

    at: float
    before: int
    after: int


@contextmanager
def _process(release: Release, home: Path, identity: str = "operator-0") -> Iterator[Operator]:
    """An operator that does not run yet and records its decisions in ``home``."""
    operator = Operator(release, home, {**SHORT_LEASE, "record_directory": str(home)}, identity)
    try:
        yield operator
    finally:
        if operator.process is not None:
            operator.kill()


def changes_in(home: Path) -> list[Change]:
    """The recorded decisions that changed desired, in their order."""
    decisions = [record["decision"] for record in records_in(home)]
    return [Change(d["at"], d["from"], d["to"]) for d in decisions if d["from"] != d["to"]]


@pytest.mark.promise("F5")
@pytest.mark.parametrize(
    "heir", [pytest.param("operator-0", id="restart"), pytest.param("operator-1", id="new leader")]
)
async def test_what_a_rate_policy_allows_is_not_allowed_once_more_to_the_next_process(
    release: Release, servings: Servings, tmp_path: Path, heir: str
) -> None:
    policy = {"policies": [{"type": "Replicas", "value": 2, "periodSeconds": PERIOD}]}
    servings.load(running=32, waiting=300)  # asks for the maximum of 8
    with _process(release, tmp_path) as first, _process(release, tmp_path, heir) as second:
        first.start()
        servings.apply({"scaling": {"behavior": {"scaleUp": policy}}})
        # A decision is recorded, then saved, then in force: one that a kill takes before it was saved never was.
        await servings.eventually(lambda: len(servings.pods()) == 2)
        first.kill()
        second.start()
        changes = await eventually(lambda: [c for c in changes_in(tmp_path) if c.after >= 3] and changes_in(tmp_path))
    for end in changes:
        added = [c.after - c.before for c in changes if end.at - PERIOD < c.at <= end.at]
        assert sum(added) <= 2, f"{changes}: {sum(added)} within {PERIOD} s"


@pytest.mark.promise("F5")
async def test_the_down_window_holds_on_although_operator_and_replicas_went(
    release: Release, servings: Servings, tmp_path: Path
) -> None:
    window = {"behavior": {"scaleDown": {"stabilizationWindowSeconds": WINDOW}}}
    servings.load(running=62)  # 62 / 22.4 = 2.8 -> 3
    with _process(release, tmp_path) as operator:
        operator.start()
        servings.apply({"scaling": window})
        before = await servings.serving(3)
        operator.kill()
        servings.load(running=0)
        servings.kubectl("delete", "pods", "llama-8b-1-0", "llama-8b-2-0", "--grace-period=0", "--force")
        operator.start()
        # To 1 at once, or over 2 where the new pods are scraped late: until then they count as at their target.
        status = await servings.until(lambda status: status["desiredReplicas"] < 3, timeout=2 * WINDOW + 30)
    down = status["decision"]
    assert down["from"] == 3
    lasted = datetime.fromisoformat(down["time"]) - datetime.fromisoformat(before["decision"]["time"])
    assert lasted.total_seconds() >= WINDOW
