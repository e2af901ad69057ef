"""How requests flow through a serving: running, waiting, and how many were ever finished. Pure.

Engines count per replica: a counter starts at 0 with its container and is gone with it. A serving's own count must
outlive its replicas, so the increments of each are added up.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from elastic_serving.observe.fleet import FIRST_SCRAPE_SECONDS, ReplicaSample, started_at
from elastic_serving.scaling.model import Flow, Inventory, Phase, Replica, Role

_SECOND: Final = 1.0
"""Pods' times are cut to whole seconds: a sample of the second in which a container started may be of the pod before
it, under the same index, whose count would pass for the new one's."""


@dataclass(frozen=True, slots=True)
class Finished:
    """``total`` requests were finished while this process watches: a number that never falls.

    ``counts`` is each present replica's last count, by its leader's uid; one below the last began anew at 0. The first
    count of a replica is taken whole where its container started since ``watched_since``, else it is where to begin.
    """

    watched_since: float
    total: float = 0.0
    counts: Mapping[str, float] = field(default_factory=dict)

    def after(self, inventory: Inventory, samples: Mapping[int, ReplicaSample]) -> "Finished":
        """With what ``samples`` (by replica index) count by now; silent replicas keep their last count."""
        total, counts = self.total, {}
        for replica in inventory.replicas:
            uid, sample = replica.hosts[0].uid, _own(replica, samples)
            last = self.counts.get(uid)
            if sample is None or sample.finished is None:
                if last is not None:
                    counts[uid] = last
                continue
            counts[uid] = sample.finished
            if last is not None:
                total += sample.finished - last if sample.finished >= last else sample.finished
            elif started_at(replica) + _SECOND > self.watched_since:
                total += sample.finished
        return Finished(self.watched_since, total, counts)


def flow_of(
    inventory: Inventory,
    samples: Mapping[int, ReplicaSample],
    finished: Finished,
    *,
    slots: int,
    oldest: float,
) -> Flow | None:
    """Requests in all replicas that serve or drain, as old as the oldest sample; None while one is not known.

    What drains is part of it, or its requests would seem to vanish. A replica that became ready lately may not have
    been scraped yet; what it does until then is made good by its first count.
    """
    scraped = min(oldest, inventory.at - FIRST_SCRAPE_SECONDS)
    running, waiting, times = 0.0, 0.0, []
    for replica in (r for r in inventory.replicas if r.phase not in (Phase.FAILED, Phase.FINISHED)):
        sample = _own(replica, samples)
        if sample is not None and sample.waiting is not None and sample.finished is not None and sample.at >= oldest:
            waiting += sample.waiting
            running += max(0.0, sample.requests(slots) - sample.waiting)
            times.append(sample.at)
        elif replica.role is Role.SERVING and replica.is_ready and (replica.hosts[0].ready_at or 0.0) <= scraped:
            return None
    return Flow(running, waiting, finished.total, min(times)) if times else None


def _own(replica: Replica, samples: Mapping[int, ReplicaSample]) -> ReplicaSample | None:
    """The replica's sample, if it is surely of this very pod."""
    sample = samples.get(replica.index)
    return sample if sample is not None and sample.at >= started_at(replica) + _SECOND else None
