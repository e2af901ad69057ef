"""What every reconciler shares: the clients, the caches, the clocks, and the settings that concern one serving."""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from elastic_serving.act.manifests import BUILT_IN, EngineDefaults
from elastic_serving.act.services import NETWORK_POLICIES, SERVICES
from elastic_serving.api import labels
from elastic_serving.handlers.cache import Cache
from elastic_serving.kube.api import KubeApi, Object, Resource
from elastic_serving.observe.signals import Signals
from elastic_serving.report.metrics import OperatorMetrics
from elastic_serving.report.record import Recorder
from elastic_serving.report.reporter import Reporter

SERVINGS = Resource(labels.GROUP, labels.VERSION, labels.PLURAL)
PODS = Resource("", "v1", "pods")
NODES = Resource("", "v1", "nodes", namespaced=False)

UNLABELLED = (SERVINGS, NODES)
"""Kinds that others make: watched without our label."""
OURS = f"{labels.MANAGED_BY}={labels.MANAGED_BY_VALUE}"
"""Label selector of the objects we make: the API server filters, our memory holds only these."""


def kinds_of(*, network_policies: bool) -> tuple[Resource, ...]:
    """The kinds that are watched."""
    return (SERVINGS, PODS, SERVICES, NODES, *((NETWORK_POLICIES,) if network_policies else ()))


@dataclass(frozen=True, slots=True)
class Wiring:
    """Settings that concern one serving; settings.py says what each means."""

    engine: EngineDefaults = BUILT_IN
    allowed_namespaces: Sequence[str] | None = None
    """Namespaces that may reach the engines; None makes no NetworkPolicy."""
    memory_interval_seconds: float = 10.0


@dataclass(slots=True)
class Shell:
    """Shared by the reconcilers of one process. ``now`` is epoch seconds, ``clock`` monotonic seconds."""

    api: KubeApi
    signals: Signals
    reporter: Reporter
    metrics: OperatorMetrics
    wiring: Wiring
    caches: Mapping[Resource, Cache]
    """One for each kind that is watched: servings, pods, Services, and NetworkPolicies where they are made."""
    recorder: Recorder | None = None
    now: Callable[[], float] = time.time
    clock: Callable[[], float] = time.monotonic

    def nodes_of(self, pods: Iterable[Object]) -> dict[str, Object]:
        """The nodes the pods are on, by name: a host's blame tells what is wrong with its node."""
        names = {str(name) for pod in pods if (name := (pod.get("spec") or {}).get("nodeName"))}
        return {name: node for name in names if (node := self.caches[NODES].get("", name)) is not None}

    def pods_of(self, namespace: str, name: str) -> tuple[Object, ...]:
        """The pods that carry the serving's label, by name."""
        return self.caches[PODS].group(namespace, name)

    def beside_of(self, namespace: str, name: str) -> dict[tuple[str, str], Object]:
        """Services and policies that carry the serving's label, by plural and name."""
        return {
            (kind.plural, obj["metadata"]["name"]): obj
            for kind in (SERVICES, NETWORK_POLICIES)
            if kind in self.caches
            for obj in self.caches[kind].group(namespace, name)
        }

    async def list_pods_of(self, namespace: str, name: str) -> float:
        """Lay a fresh list of one serving's pods over the cache; returns when it was asked for (monotonic)."""
        asked_at = self.clock()
        pods = await self.api.list(PODS, namespace, label_selector=f"{OURS},{labels.SERVING}={name}")
        self.caches[PODS].listed(pods, asked_at, group=(namespace, name))
        return asked_at
