"""When a failed replica is made anew: at once the first time, then after growing waits, at last not at all.

A row of failures belongs to a replica and a revision, and goes on with the replica that is made in its place, whatever
index that has: a failed pod keeps its index until it is gone. An edit of the spec starts afresh. The waits are those of
Kubernetes' own CrashLoopBackOff (10 s doubling to 300 s: kubernetes pkg/kubelet/kubelet.go, read 2026-11-22), because
users know them.
"""

from collections.abc import Sequence
from dataclasses import replace

from elastic_serving.api.models import Startup
from elastic_serving.scaling.model import Action, CreateReplica, DeleteReplica, Failure, Inventory, Replica

BASE_SECONDS = 10.0
MAX_SECONDS = 300.0
FORGET_SECONDS = 600.0
"""Beyond a whole start-up plus this, a failure starts a new row: the replica served in between."""


def unreplaced(
    failures: Sequence[Failure], inventory: Inventory, kept: Sequence[Replica], startup: Startup
) -> list[Failure]:
    """Failures of the present revision whose replica is not among ``kept``: the next creations are theirs.

    Those that may be tried first come first, those that are given up last.
    """
    there = {replica.index for replica in kept}
    rows = [f for f in failures if f.revision == inventory.revision and f.place not in there]
    return sorted(rows, key=lambda f: (is_given_up(f, startup), next_attempt_at(f), f.place))


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
    """The failures to remember once ``actions`` are done.

    Lost replicas are added, and a row goes on with the replica that is made anew for it. Other revisions, old
    rows, and rows of replicas that served until they were not wanted any more are forgotten.

    It is saved before the actions are executed, so a crash between the two counts a failure once more, never less.
    """
    row_seconds = startup.provision_seconds + startup.pull_seconds + startup.load_seconds + FORGET_SECONDS
    rows = {
        f.place: replace(f, at=min(f.at, inventory.at))
        for f in inventory.failures
        if f.revision == inventory.revision and (inventory.at - f.at <= row_seconds or is_given_up(f, startup))
    }
    replicas = {replica.index: replica for replica in inventory.replicas}
    counted = {f.uid for f in inventory.failures}
    for action in actions:
        if isinstance(action, CreateReplica) and action.anew in rows:
            rows[action.index] = replace(rows.pop(action.anew), heir=action.index)
        if not isinstance(action, DeleteReplica) or replicas[action.index].revision != inventory.revision:
            continue
        index, uid = action.index, action.hosts[0].uid
        if action.lost and uid not in counted:
            count = rows[index].count + 1 if index in rows else 1
            rows[index] = Failure(index, inventory.revision, count, inventory.at, action.reason, uid)
        elif replicas[index].is_ready:
            rows.pop(index, None)
    return tuple(sorted(rows.values(), key=lambda failure: failure.place))
