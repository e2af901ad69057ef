"""What every cluster offers, ours or one that ES_TEST_KUBECONFIG names: clients, nodes, accounts."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from dev.cluster.client import Client
from dev.cluster.errors import NotHere
from dev.cluster.kubeconfig import by_token, write_user


class Cluster:
    """A cluster one may use. ``kubeconfig`` is its administrator's; ``home`` is where its tools keep their files."""

    def __init__(self, kubeconfig: Path, tools: Mapping[str, Path], home: Path) -> None:
        self.kubeconfig = kubeconfig
        self.tools = tools
        self.home = home
        self.client = Client(kubeconfig, tools, home)

    def kubectl(self, *arguments: str, stdin: str | None = None) -> str:
        """What kubectl printed, as administrator; raises ClusterError with what it complained about."""
        return self.client.kubectl(*arguments, stdin=stdin)

    def helm(self, *arguments: str) -> str:
        """What Helm printed, as administrator; raises ClusterError with what it complained about."""
        return self.client.helm(*arguments)

    def create(self, *objects: Mapping[str, object]) -> None:
        """Create objects; nodes with the status they carry (see ``nodes.py``)."""
        self.client.create(objects)

    def delete_nodes(self, names: Sequence[str]) -> None:
        """Delete nodes; their pods follow. Gone already is fine."""
        if names:
            self.kubectl("delete", "nodes", "--ignore-not-found", "--wait=false", *names)

    def service_account_kubeconfig(self, namespace: str, name: str) -> Path:
        """A fresh kubeconfig with which a process acts as that ServiceAccount, under its RBAC, for a day."""
        path = self.home / f"{namespace}.{name}.kubeconfig"
        return write_user(path, self.client.connection(), by_token(self.client.token(namespace, name)))

    @property
    def prometheus_url(self) -> str:
        """URL of the Prometheus that scrapes the engines; raises NotHere where there is none of ours."""
        raise NotHere(f"the cluster of {self.kubeconfig} was not started here: there is no Prometheus with our rules")

    @property
    def audit_log(self) -> Path:
        """The API server's audit log; raises NotHere where it is not ours to read."""
        raise NotHere(f"the cluster of {self.kubeconfig} was not started here: its audit log is not ours to read")

    def engine_address(self, pod_ip: str) -> str:
        """Where the engine of the pod with ``pod_ip`` listens: the address itself, where pods have real ones."""
        return pod_ip


class GivenCluster(Cluster):
    """Somebody's cluster. Nothing of it is started, stopped or scripted by us; what is not there is said by NotHere."""

    missing = (
        "no Prometheus of ours",
        "no audit log",
        "no component can be stopped",
        "no fake nodes unless a kwok with our stages runs there",
    )
