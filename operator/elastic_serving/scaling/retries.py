"""When a failed replica is made anew: at once the first time, then after growing waits, at last not at all.

A failure belongs to a replica index and a revision; an edit of the spec starts afresh. The waits are those of
Kubernetes' own CrashLoopBackOff (10 s doubling to 300 s: kubernetes pkg/kubelet/kubelet.go, read 2026-11-22), because
users know them.
"""

from collections.abc import Sequence

from elastic_serving.api.models import Startup
from elastic_serving.scaling.model import Action, DeleteReplica, Failure, Inventory

BASE_SECONDS = 10.0
MAX_SECONDS = 300.0
FORGET_SECONDS = 600.0
"""Beyond a whole start-up plus this, a failure starts a new row: the replica served in between."""


def failure_of(inventory: Inventory, index: int) -> Failure | None:
    """The failure that still counts for a replica of the present revision, or None."""
    for failure in inventory.failures:
        if failure.index == index and failure.revision == inventory.revision:
            return failure
    return None


def wait_seconds(count: int) -> float:
    """Seconds to wait after the ``count``-th failure in a row: 0, 10, 20, 40, ... 300."""
    if count <= 1:
        return 0.0
    return min(MAX_SECONDS, BASE_SECONDS * 2.0 ** min(count - 2, 16))


def is_given_up(failure: Failure, startup: Startup) -> bool:
    """More failures in a row than ``startup.maxRestarts`` allows: it stays Failed until the spec is edited."""
    return failure.count > startup.max_restarts


def next_attempt_at(failure: Failure) -> float:
    """Earliest time (epoch seconds) at which the replica may be made anew."""
    return failure.at + wait_seconds(failure.count)


def failures_after(inventory: Inventory, actions: Sequence[Action], startup: Startup) -> tuple[Failure, ...]:
    """The failures to remember once ``actions`` are done: lost replicas added, other revisions and old rows forgotten.

    It is saved before the actions are executed, so a crash between the two counts a failure once more, never less.
    """
    row_seconds = startup.provision_seconds + startup.pull_seconds + startup.load_seconds + FORGET_SECONDS
    rows = {
        f.index: f
        for f in inventory.failures
        if f.revision == inventory.revision and inventory.at - f.at <= row_seconds
    }
    revisions = {replica.index: replica.revision for replica in inventory.replicas}
    for action in actions:
        if isinstance(action, DeleteReplica) and action.lost and revisions.get(action.index) == inventory.revision:
            count = rows[action.index].count + 1 if action.index in rows else 1
            rows[action.index] = Failure(action.index, inventory.revision, count, inventory.at, action.reason)
    return tuple(sorted(rows.values(), key=lambda failure: failure.index))
