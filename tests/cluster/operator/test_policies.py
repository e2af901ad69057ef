"""A NetworkPolicy for each serving, where the chart says so."""

import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from dev.cluster.handle import Cluster
from dev.install import RELEASE
from tests.support.audit import Right, asked, granted, used
from tests.support.operator import installed, running
from tests.support.servings import Servings

POLICIES = "networking.k8s.io/networkpolicies"
FOREIGN = """
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: theirs, labels: {app.kubernetes.io/managed-by: elastic-serving}}
spec: {podSelector: {}}
"""
ENABLED = {"servings": {"networkPolicy": {"enabled": True, "namespaces": ["monitoring"]}}}


def selects(policy: Mapping[str, object], labels: Mapping[str, str]) -> bool:
    """Whether the policy's pod selector takes a pod with these labels; it has no expressions."""
    spec = policy["spec"]
    assert isinstance(spec, Mapping)
    assert list(spec["podSelector"]) == ["matchLabels"]
    return all(labels.get(name) == value for name, value in spec["podSelector"]["matchLabels"].items())


@pytest.mark.promise("B8")
async def test_every_pod_is_under_the_policy_of_its_own_serving_and_no_other(
    cluster: Cluster, namespace: str, crds: None, servings: Servings, tmp_path: Path
) -> None:
    names = ("llama", "llama-8b")
    with installed(cluster, namespace, ENABLED) as release, running(release, tmp_path):
        for name in names:
            servings.apply({"scaling": {"minReplicas": 2}}, name=name)
        for name in names:
            await servings.serving(2, name)
        policies = json.loads(servings.kubectl("get", "networkpolicies", "-o", "json"))["items"]
        pods = {name: servings.pods(name) for name in names}
        found = {
            pod["metadata"]["name"]: [p["metadata"]["name"] for p in policies if selects(p, pod["metadata"]["labels"])]
            for name in names
            for pod in pods[name]
        }
        assert found == {f"{name}-{index}-0": [name] for name in names for index in range(2)}
        # What an administrator took away is made again.
        servings.kubectl("delete", "networkpolicy/llama")
        await servings.eventually(lambda: "networkpolicy.networking.k8s.io/llama" in servings.leftovers("llama"))
        servings.kubectl("delete", "es/llama")
        await servings.eventually(lambda: [one for one in servings.leftovers("llama") if "llama-8b" not in one] == [])


async def test_switched_off_the_policies_that_were_made_are_taken_back_and_no_others(
    cluster: Cluster, namespace: str, crds: None, servings: Servings, tmp_path: Path
) -> None:
    servings.apply()
    servings.kubectl("apply", "-f", "-", stdin=FOREIGN)
    with installed(cluster, namespace, ENABLED) as release, running(release, tmp_path):
        await servings.eventually(lambda: f"networkpolicy.networking.k8s.io/{servings.name}" in servings.leftovers())
    with installed(cluster, namespace) as release, running(release, tmp_path):
        await servings.eventually(lambda: _policies(servings) == ["networkpolicy.networking.k8s.io/theirs"])
        # The two rights this takes are all it has, and both were used.
        rights = {right for right in granted(cluster, namespace, RELEASE) if right.resource == POLICIES}
        requests = [r for r in asked(cluster.audit_log, namespace, RELEASE) if r.right.resource == POLICIES]
        assert rights == {Right("list", POLICIES), Right("delete", POLICIES)} <= used(requests, rights)


def _policies(servings: Servings) -> list[str]:
    return servings.kubectl("get", "networkpolicies", "--output=name").split()
