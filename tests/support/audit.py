"""What a ServiceAccount was granted and what it asked for: RBAC read from the cluster, requests from the audit log."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from dev.cluster.handle import Cluster
from elastic_serving.kube.api import Object

CREATED: Final = 201


@dataclass(frozen=True, slots=True, order=True)
class Right:
    """A verb on a resource; ``name`` is empty where the rule or the request names no object."""

    verb: str
    resource: str
    """``pods``, ``elasticserving.io/elasticservings/status``: the group first, unless it is the core one."""
    name: str = ""

    def __str__(self) -> str:
        return f"{self.verb} {self.resource}" + (f" {self.name}" if self.name else "")


@dataclass(frozen=True, slots=True)
class Asked:
    """One answered request for an object or a collection."""

    right: Right
    """With the object's name."""
    code: int
    manager: str
    """The user agent."""


def granted(cluster: Cluster, namespace: str, account: str) -> set[Right]:
    """Every verb and resource that Roles and ClusterRoles bound to the ServiceAccount name."""
    rights: set[Right] = set()
    listed = cluster.kubectl("get", "rolebindings,clusterrolebindings", "--all-namespaces", "--output=json")
    for binding in json.loads(listed)["items"]:
        subjects = [(s["kind"], s.get("namespace"), s["name"]) for s in binding.get("subjects") or ()]
        if ("ServiceAccount", namespace, account) not in subjects:
            continue
        ref, where = binding["roleRef"], binding["metadata"].get("namespace")
        scope = [f"--namespace={where}"] if where else []
        role = json.loads(cluster.kubectl("get", ref["kind"], ref["name"], *scope, "--output=json"))
        rights.update(right for rule in role["rules"] for right in _of_rule(rule))
    return rights


def asked(log: Path, namespace: str, account: str) -> list[Asked]:
    """The account's requests in the order of their answers; those for no object (discovery) are left out.

    A watch is told when it starts; an object made by server-side apply is asked for as ``patch`` and answered 201.
    """
    user = f"system:serviceaccount:{namespace}:{account}"
    files = sorted(log.parent.glob(f"{log.stem}*{log.suffix}"))
    lines = [json.loads(line) for file in files for line in file.read_text().splitlines() if user in line]
    return [request for line in lines if (request := _of_line(line, user)) is not None]


def used(requests: list[Asked], rights: set[Right]) -> set[Right]:
    """The rights those requests were answered by: with the object's name where the right has one.

    Creating by server-side apply needs ``create`` beside ``patch``, which the API server checks without a line of its
    own in the log (apiserver pkg/endpoints/handlers/patch.go, withAuthorization; read 2026-11-22).
    """
    asked_for: set[Right] = set()
    for request in requests:
        right = request.right
        asked_for.add(right)
        if right.verb == "patch" and request.code == CREATED:
            asked_for.add(Right("create", right.resource, right.name))
    named = {(right.resource, right.name) for right in rights if right.name}
    return {r if (r.resource, r.name) in named else Right(r.verb, r.resource) for r in asked_for}


def _of_rule(rule: Object) -> Iterator[Right]:
    for group in rule.get("apiGroups") or ():
        for resource in rule.get("resources") or ():
            for verb in rule["verbs"]:
                for name in rule.get("resourceNames") or ("",):
                    yield Right(verb, _path(group, resource), name)


def _of_line(line: Object, user: str) -> Asked | None:
    ref = line.get("objectRef")
    is_ours = line["user"]["username"] == user and line["stage"] in ("ResponseStarted", "ResponseComplete")
    if ref is None or not is_ours or not ref.get("resource"):
        return None
    resource = _path(ref.get("apiGroup", ""), ref["resource"], ref.get("subresource", ""))
    right = Right(line["verb"], resource, ref.get("name", ""))
    return Asked(right, int((line.get("responseStatus") or {}).get("code", 0)), line.get("userAgent", ""))


def _path(group: str, *parts: str) -> str:
    return "/".join(part for part in (group, *parts) if part)
