"""What the soak plays with: a cluster, its engines, servings whose load is known, and the operator with its kubelet."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from benchmarks.soak_invariants import Picture
from dev.cluster.local import LocalCluster
from dev.engines.launch import EngineFleet
from elastic_serving.api import labels
from elastic_serving.kube.api import Object
from elastic_serving.scaling.model import Role
from tests.support.operator import Operator

NAMESPACE: Final = "soak"
MOST: Final = 4
PER_REPLICA: Final = 20.0
"""Load for one replica at a target of 22.4: 20 x n is n replicas for every n up to 5, outside the tolerance of n - 1
and n + 1, so what the replicas come to does not depend on where they come from."""


@dataclass(slots=True)
class Wish:
    """A serving as it should be: the load is enough for ``load`` replicas, between ``least`` and ``most``.

    ``asleep`` ones are driven by a query instead of their engines and may go to zero.
    """

    name: str
    asleep: bool
    load: int = 1
    least: int = 1
    most: int = MOST
    edition: int = 0
    carrier: str = ""
    """The pod that shows the whole load."""

    @property
    def replicas(self) -> int:
        """Where it must come to rest."""
        return min(max(self.load, self.least), self.most)

    def manifest(self) -> Object:
        """What ``kubectl apply`` gets; another ``edition`` is another revision of the pods."""
        scaling: dict[str, Any] = {
            "minReplicas": self.least,
            "maxReplicas": self.most,
            "behavior": {"scaleDown": {"stabilizationWindowSeconds": 3}},
        }
        if self.asleep:
            query = {"type": "Prometheus", "query": f"vector({PER_REPLICA * self.load:g})", "target": 22.4}
            scaling["signals"] = [{**query, "intervalSeconds": 1}]
        if self.least == 0:
            scaling["idle"] = {"timeoutSeconds": 3}
        edition = {"name": "main", "env": [{"name": "EDITION", "value": str(self.edition)}]}
        return {
            "apiVersion": f"{labels.GROUP}/{labels.VERSION}",
            "kind": labels.KIND,
            "metadata": {"name": self.name, "namespace": NAMESPACE},
            "spec": {
                "model": {"uri": "hf://org/model"},
                "accelerator": {"gpu": {"product": "nvidia-l4"}},
                "scaling": scaling,
                "drain": {"timeoutSeconds": 5},
                "template": {"spec": {"containers": [edition]}},
            },
        }


@dataclass(slots=True)
class World:
    """Everything there is, and what was noticed beside the checks."""

    cluster: LocalCluster
    engines: EngineFleet
    operator: Operator
    wishes: Mapping[str, Wish]
    nodes: list[str]
    api_was_away: bool = False
    """The API server was restarted in this round: an operator that could not renew its Lease ends itself."""
    notes: list[str] = field(default_factory=list)
    violations: list[str] = field(default_factory=list)

    @property
    def wanted(self) -> dict[str, int]:
        """Replicas of each serving at rest."""
        return {wish.name: wish.replicas for wish in self.wishes.values()}

    def kubectl(self, *arguments: str, stdin: str | None = None) -> str:
        """kubectl in the namespace; raises ClusterError."""
        return self.cluster.kubectl(f"--namespace={NAMESPACE}", *arguments, stdin=stdin)

    def apply(self, *wishes: Wish) -> None:
        """Have these servings as they are wished."""
        items = [wish.manifest() for wish in wishes]
        if items:
            self.kubectl("apply", "-f", "-", stdin=json.dumps({"apiVersion": "v1", "kind": "List", "items": items}))

    def look(self) -> Picture:
        """What is there now; keeps the operator alive and the loads where they belong. Raises ClusterError."""
        self.supervise()
        kinds = f"{labels.PLURAL},{labels.MEMORY_PLURAL},pods,nodes"
        found = json.loads(self.kubectl("get", kinds, "--output=json"))["items"]
        servings = {o["metadata"]["name"]: o for o in found if o["kind"] == labels.KIND}
        memories = {o["metadata"]["name"]: o for o in found if o["kind"] == labels.MEMORY_KIND}
        pods = [o for o in found if o["kind"] == "Pod" and labels.SERVING in o["metadata"].get("labels", {})]
        nodes = frozenset(o["metadata"]["name"] for o in found if o["kind"] == "Node")
        picture = Picture(servings, tuple(pods), memories, nodes)
        for wish in self.wishes.values():
            self._carry(wish, picture)
        return picture

    def supervise(self) -> None:
        """Start the operator anew where it ended, as a kubelet would: a violation, unless the API server was away."""
        process = self.operator.process
        if process is None or (code := process.poll()) is None:
            return
        words = f"the operator ended by itself with code {code}"
        if self.api_was_away:
            self.notes.append(f"{words} while the API server was away, and was started again")
        else:
            self.violations.append(words)
        self.operator.start(wait=False)

    def events(self) -> list[Object]:
        """What the operator told."""
        found = json.loads(self.kubectl("get", "events", "--output=json"))["items"]
        return [event for event in found if event.get("reportingComponent") == labels.FIELD_MANAGER]

    def serving_pods(self) -> list[str]:
        """Names of the pods whose engines answer."""
        return sorted(engine["pod"] for engine in self.engines.engines(NAMESPACE) if engine["ready"])

    def used_nodes(self) -> list[str]:
        """Names of the nodes that have pods of servings."""
        return sorted({pod["spec"]["nodeName"] for pod in self.look().pods if pod["spec"].get("nodeName")})

    def _carry(self, wish: Wish, picture: Picture) -> None:
        """Let the first replica in the Service show the whole load, once it is another one or the load is new."""
        if wish.asleep:
            return
        pods = sorted(pod["metadata"]["name"] for pod in picture.pods if _serves(pod, wish.name))
        carrier = pods[0] if pods else wish.carrier
        if wish.carrier not in ("", carrier):
            self.engines.unpin(NAMESPACE, wish.carrier)
        wish.carrier = carrier
        if carrier:
            running = min(32.0, PER_REPLICA * wish.load)
            self.engines.pin(NAMESPACE, carrier, running=running, waiting=PER_REPLICA * wish.load - running)


def _serves(pod: Object, name: str) -> bool:
    metadata = pod["metadata"]
    mine = metadata["labels"][labels.SERVING] == name and metadata["labels"].get(labels.ROLE) == Role.SERVING
    return mine and not metadata.get("deletionTimestamp")
