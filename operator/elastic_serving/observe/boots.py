"""Cold starts of the replicas that are there, from their pods' times. Pure.

A pod's time of Ready is that of its last change: one that was not ready for a moment would pass for a cold start of
hours. So each cold start is taken down once, when it is first seen to have ended.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from elastic_serving.scaling.model import Boot, Inventory, Replica


@dataclass(frozen=True, slots=True)
class Boots:
    """What is known of each present replica, by its leader's uid: None where its cold start has not ended or ended
    unseen, before ``watched_since``."""

    watched_since: float
    starting: frozenset[str] = frozenset()
    ended: Mapping[str, Boot | None] = field(default_factory=dict)

    @property
    def known(self) -> tuple[Boot, ...]:
        """In the order in which they ended."""
        return tuple(sorted((b for b in self.ended.values() if b is not None), key=lambda boot: boot.ready_at))

    def after(self, inventory: Inventory) -> "Boots":
        """With the replicas as they are in ``inventory``; those that are gone are forgotten."""
        starting, ended = set(), {}
        for replica in inventory.replicas:
            uid = replica.hosts[0].uid
            if uid in self.ended:
                ended[uid] = self.ended[uid]
            elif not replica.is_ready:
                starting.add(uid)
            else:
                is_ours = uid in self.starting or _created_at(replica) + 1 > self.watched_since
                ended[uid] = _boot(replica) if is_ours else None
        return Boots(self.watched_since, frozenset(starting), ended)


def _boot(replica: Replica) -> Boot | None:
    """From the creation of the first host to the readiness of the last."""
    ready = [host.ready_at for host in replica.hosts if host.ready_at is not None]
    seconds = max(ready, default=0.0) - _created_at(replica)
    return Boot(max(ready), seconds) if len(ready) == len(replica.hosts) and seconds >= 0 else None


def _created_at(replica: Replica) -> float:
    """Cut to whole seconds, as the API server writes it."""
    return min(host.created_at for host in replica.hosts)
