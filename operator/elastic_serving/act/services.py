"""The objects beside the pods: the Service callers use, the hosts' Service, the NetworkPolicy. Pure builders."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from elastic_serving.act.manifests import hosts_service_name, owner_reference
from elastic_serving.api import labels
from elastic_serving.api.models import ElasticServing
from elastic_serving.kube.api import Object, Resource
from elastic_serving.scaling.model import Role

SERVICES: Final = Resource("", "v1", "services")
NETWORK_POLICIES: Final = Resource("networking.k8s.io", "v1", "networkpolicies")

SERVICE_PORT: Final = 80
"""Callers write http://<serving>/v1/...; the engine's own port is behind it and may change without them."""


def services_of(serving: ElasticServing) -> tuple[Object, Object]:
    """The Service of the leaders that serve, and the headless one of all hosts; the same for every spec.

    The first is the contract with callers: its uid and address stay from the first replica to none and back. The second
    publishes hosts before they are ready, because the hosts of a group find each other while they start.
    """
    leaders = {labels.SERVING: serving.metadata.name, labels.HOST: labels.LEADER_HOST, labels.ROLE: Role.SERVING.value}
    ports = [
        {
            "name": labels.ENGINE_PORT_NAME,
            "port": SERVICE_PORT,
            "protocol": "TCP",
            "targetPort": labels.ENGINE_PORT_NAME,
        }
    ]
    return (
        _object(
            serving, "v1", "Service", serving.metadata.name, {"type": "ClusterIP", "selector": leaders, "ports": ports}
        ),
        _object(
            serving,
            "v1",
            "Service",
            hosts_service_name(serving.metadata.name),
            {
                "clusterIP": "None",
                "publishNotReadyAddresses": True,
                "selector": {labels.SERVING: serving.metadata.name},
            },
        ),
    )


def network_policy_of(serving: ElasticServing, allowed_namespaces: Sequence[str] = ()) -> Object:
    """Who may reach the serving's pods: its own hosts on any port, callers on the engine's port, nobody else.

    Callers are all pods of the serving's namespace and of ``allowed_namespaces`` (where Prometheus and the gateways
    live). Hosts of one group speak on random ports, so nothing is restricted among them. The pod selector is the
    serving's own label: the policies of two servings never select the same pod.
    """
    callers: list[Object] = [{"podSelector": {}}]
    if allowed_namespaces:
        names = sorted(set(allowed_namespaces))
        term = {"key": "kubernetes.io/metadata.name", "operator": "In", "values": names}
        callers.append({"namespaceSelector": {"matchExpressions": [term]}})
    mine = {"matchLabels": {labels.SERVING: serving.metadata.name}}
    spec = {
        "podSelector": mine,
        "policyTypes": ["Ingress"],
        "ingress": [
            {"from": [{"podSelector": mine}]},
            {"from": callers, "ports": [{"port": labels.ENGINE_PORT_NAME, "protocol": "TCP"}]},
        ],
    }
    return _object(serving, NETWORK_POLICIES.api_version, "NetworkPolicy", serving.metadata.name, spec)


def is_applied(wanted: object, live: object) -> bool:
    """Everything of ``wanted`` stands in ``live`` as it is; what the API server or others added does not count.

    Objects are compared field by field, lists element by element and in full length.
    """
    if isinstance(wanted, Mapping):
        return isinstance(live, Mapping) and all(
            name in live and is_applied(v, live[name]) for name, v in wanted.items()
        )
    if isinstance(wanted, list):
        return (
            isinstance(live, list)
            and len(wanted) == len(live)
            and all(is_applied(mine, theirs) for mine, theirs in zip(wanted, live, strict=True))
        )
    return wanted == live


def _object(serving: ElasticServing, api_version: str, kind: str, name: str, spec: Mapping[str, Any]) -> Object:
    return {
        "apiVersion": api_version,
        "kind": kind,
        "metadata": {
            "name": name,
            "namespace": serving.metadata.namespace,
            "labels": {labels.MANAGED_BY: labels.MANAGED_BY_VALUE, labels.SERVING: serving.metadata.name},
            "ownerReferences": [owner_reference(serving)],
        },
        "spec": dict(spec),
    }
