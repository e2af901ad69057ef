"""A NetworkPolicy for each serving, where the chart says so."""

import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from dev.cluster.handle import Cluster
from tests.support.operator import installed, running
from tests.support.servings import Servings

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
