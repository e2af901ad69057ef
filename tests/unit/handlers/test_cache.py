"""The cache against lost, late and repeated news."""

from typing import Any

import pytest

from elastic_serving.api.labels import SERVING
from elastic_serving.handlers.cache import Cache, node_essence
from elastic_serving.kube.api import Object


def pod(name: str, version: int, *, uid: str = "", serving: str = "m", **metadata: Any) -> Object:
    labels = {SERVING: serving}
    return {
        "metadata": {
            "namespace": "ns",
            "name": name,
            "uid": uid or f"uid-{name}",
            "resourceVersion": str(version),
            "labels": labels,
            **metadata,
        }
    }


def names(cache: Cache, serving: str = "m") -> list[str]:
    return [obj["metadata"]["name"] for obj in cache.group("ns", serving)]


def test_what_was_heard_is_there_by_its_group_and_in_order() -> None:
    cache = Cache()
    for name in ("b", "a"):
        cache.heard(pod(name, 1), now=0)
    cache.heard(pod("c", 1, serving="other"), now=0)
    assert names(cache) == ["a", "b"]
    assert names(cache, "other") == ["c"]


@pytest.mark.parametrize(
    ("version", "kept"),
    [
        pytest.param(6, 6, id="newer news wins"),
        pytest.param(4, 5, id="older news is ignored"),
        pytest.param(5, 5, id="the same news again changes nothing"),
    ],
)
def test_only_newer_news_of_an_object_is_taken(version: int, kept: int) -> None:
    cache = Cache()
    cache.heard(pod("a", 5), now=0)
    cache.heard(pod("a", version), now=1)
    found = cache.get("ns", "a")
    assert found is not None
    assert found["metadata"]["resourceVersion"] == str(kept)


def test_news_of_a_deleted_object_that_comes_late_does_not_bring_it_back() -> None:
    cache = Cache()
    cache.heard(pod("a", 5), now=0)
    cache.buried(pod("a", 7), now=1)
    cache.heard(pod("a", 6), now=2)
    assert names(cache) == []


def test_a_successor_of_the_same_name_is_not_buried_with_its_predecessor() -> None:
    cache = Cache()
    cache.heard(pod("a", 9, uid="second"), now=0)
    cache.buried(pod("a", 7, uid="first"), now=1)
    assert names(cache) == ["a"]


def test_a_full_list_removes_ghosts_and_tells_what_differed() -> None:
    cache = Cache()
    cache.heard(pod("ghost", 1), now=0)
    cache.heard(pod("a", 1), now=0)
    differed = cache.listed([pod("a", 2), pod("b", 1)], asked_at=10)
    assert names(cache) == ["a", "b"]
    assert set(differed) == {("ns", "ghost"), ("ns", "a"), ("ns", "b")}
    assert cache.listed_at == 10


def test_a_list_does_not_remove_what_was_heard_after_it_was_asked_for() -> None:
    cache = Cache()
    cache.heard(pod("young", 1), now=11)
    cache.listed([], asked_at=10)
    assert names(cache) == ["young"]


def test_a_list_does_not_bring_back_what_was_deleted_after_it_was_asked_for() -> None:
    cache = Cache()
    cache.heard(pod("a", 5), now=0)
    cache.buried(pod("a", 6), now=11)
    cache.listed([pod("a", 5)], asked_at=10)
    assert names(cache) == []


def test_a_list_of_one_group_leaves_the_others_alone_and_is_not_a_full_one() -> None:
    cache = Cache()
    cache.heard(pod("a", 1), now=0)
    cache.heard(pod("c", 1, serving="other"), now=0)
    cache.listed([], asked_at=10, group=("ns", "m"))
    assert names(cache) == []
    assert names(cache, "other") == ["c"]
    assert cache.listed_at == float("-inf")


def test_an_object_whose_label_changed_moves_to_its_new_group() -> None:
    cache = Cache()
    cache.heard(pod("a", 1), now=0)
    cache.heard(pod("a", 2, serving="other"), now=1)
    assert names(cache) == []
    assert names(cache, "other") == ["a"]


def test_a_namespace_that_could_not_be_listed_keeps_what_was_known_of_it() -> None:
    cache = Cache()
    cache.heard(pod("a", 1), now=0)
    cache.heard(pod("b", 1, namespace="other"), now=0)
    cache.listed([], asked_at=10, unknown=["ns"])
    assert names(cache) == ["a"]
    assert cache.get("other", "b") is None


def test_what_only_costs_memory_is_not_kept() -> None:
    cache = Cache()
    cache.heard(pod("a", 1, managedFields=[{"manager": "kubelet"}]), now=0)
    found = cache.get("ns", "a")
    assert found is not None
    assert "managedFields" not in found["metadata"]


def test_of_a_node_its_name_and_conditions_are_kept() -> None:
    nodes = Cache(trim=node_essence)
    ready = {"type": "Ready", "status": "False"}
    metadata = {"name": "n", "uid": "u", "resourceVersion": "3", "labels": {"a": "b"}}
    nodes.heard({"metadata": metadata, "status": {"images": [{}], "conditions": [ready]}}, now=0)
    assert nodes.get("", "n") == {
        "metadata": {"name": "n", "uid": "u", "resourceVersion": "3"},
        "status": {"conditions": [ready]},
    }
