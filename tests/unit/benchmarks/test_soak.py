"""What the soak checks: each thing that may be wrong is told, and what is right is not."""

import copy
import json
from collections.abc import Callable

import pytest

from benchmarks.soak_invariants import Picture, always, at_rest, replayed, unknown_reasons
from elastic_serving.api.models import ElasticServingSpec
from elastic_serving.kube.api import Object
from elastic_serving.report import lines
from elastic_serving.scaling.decide import decide
from elastic_serving.scaling.model import Inventory, PerReplica, ReplicaCounts, Seen

OWNER = {"apiVersion": "elasticserving.io/v1alpha1", "kind": "ElasticServing", "name": "s", "uid": "u1"}
SPEC = {
    "model": {"uri": "hf://org/model"},
    "accelerator": {"gpu": {"product": "nvidia-l4", "hosts": 1}},
    "scaling": {"minReplicas": 1, "maxReplicas": 4},
}


def pod(replica: int) -> Object:
    """A pod of the serving that serves."""
    return {
        "metadata": {
            "name": f"s-{replica}-0",
            "labels": {
                "elasticserving.io/serving": "s",
                "elasticserving.io/replica": str(replica),
                "elasticserving.io/host": "0",
                "elasticserving.io/role": "serving",
            },
            "ownerReferences": [{**OWNER, "controller": True}],
        },
        "spec": {"nodeName": "n1"},
        "status": {"conditions": [{"type": "Ready", "status": "True"}]},
    }


def resting() -> Picture:
    """One serving with two replicas, at rest."""
    serving: Object = {
        "metadata": {"name": "s", "uid": "u1", "generation": 3},
        "spec": SPEC,
        "status": {
            "observedGeneration": 3,
            "desiredReplicas": 2,
            "servingReplicas": 2,
            "conditions": [{"type": "Ready", "reason": "AllReplicasServe"}],
        },
    }
    memory: Object = {
        "metadata": {"ownerReferences": [{**OWNER, "controller": True}]},
        "state": '{"version":1,"memory":{"at":1.0,"desired":2},"failures":[]}',
    }
    return copy.deepcopy(Picture({"s": serving}, (pod(0), pod(1)), {"s": memory}, frozenset({"n1"})))


def test_two_replicas_that_serve_as_wanted_are_at_rest() -> None:
    assert at_rest(resting(), {"s": 2}) == []
    assert always(resting()) == []


def deleting(picture: Picture) -> None:
    picture.pods[1]["metadata"]["deletionTimestamp"] = "2026-11-22T00:00:00Z"


def draining(picture: Picture) -> None:
    picture.pods[1]["metadata"]["labels"]["elasticserving.io/role"] = "draining"


def unready(picture: Picture) -> None:
    picture.pods[1]["status"]["conditions"][0]["status"] = "False"


def on_a_lost_node(picture: Picture) -> None:
    picture.pods[1]["spec"]["nodeName"] = "n2"


def ownerless(picture: Picture) -> None:
    picture.pods[1]["metadata"]["ownerReferences"][0]["uid"] = "u0"


def without_status(picture: Picture) -> None:
    picture.servings["s"]["status"]["servingReplicas"] = 1


def outdated(picture: Picture) -> None:
    picture.servings["s"]["metadata"]["generation"] = 4


def forgotten(picture: Picture) -> None:
    picture.memories["s"]["state"] = '{"version":1,"memory":{"at":1.0},"failures":[]}'


def inherited(picture: Picture) -> None:
    picture.memories["s"]["metadata"]["ownerReferences"][0]["uid"] = "u0"


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        pytest.param(deleting, "s-1-0 is being deleted", id="a pod ends"),
        pytest.param(draining, "s-1-0 drains", id="a pod drains"),
        pytest.param(unready, "s-1-0 is not ready", id="a pod is not ready"),
        pytest.param(on_a_lost_node, "s-1-0 is on no node that exists (n2)", id="a pod's node is gone"),
        pytest.param(ownerless, "s-1-0 has no living owner", id="a pod's owner is gone"),
        pytest.param(without_status, "s: desired, serving, pods are (2, 1, 2); 2 wanted (None)", id="numbers differ"),
        pytest.param(outdated, "s: the status is not of the present spec", id="the spec is newer"),
        pytest.param(inherited, "s: its memory is of a namesake", id="the memory is somebody else's"),
    ],
)
def test_what_is_not_at_rest_is_told(spoil: Callable[[Picture], None], told: str) -> None:
    picture = resting()
    spoil(picture)
    assert at_rest(picture, {"s": 2}) == [told]


def test_a_memory_that_does_not_parse_is_told() -> None:
    picture = resting()
    forgotten(picture)
    [told] = at_rest(picture, {"s": 2})
    assert told.startswith("s: its memory cannot be read: ")


def test_a_serving_that_is_not_there_is_told() -> None:
    assert at_rest(resting(), {"s": 2, "t": 1}) == ["t: it is not there"]


def test_another_number_than_the_load_needs_is_not_rest() -> None:
    assert at_rest(resting(), {"s": 3}) == ["s: desired, serving, pods are (2, 2, 2); 3 wanted (None)"]


def test_two_live_pods_of_one_place_are_told() -> None:
    picture = resting()
    picture.pods[1]["metadata"]["labels"]["elasticserving.io/replica"] = "0"
    assert always(picture) == ["('s', '0', '0') has 2 live pods"]
    deleting(picture)
    assert always(picture) == []


def test_a_number_out_of_range_is_told_once_the_status_is_of_the_present_spec() -> None:
    picture = resting()
    picture.servings["s"]["status"]["desiredReplicas"] = 5
    assert always(picture) == ["s: desired 5 is not within 1 to 4"]
    outdated(picture)
    assert always(picture) == []


def test_reasons_nobody_can_look_up_are_told() -> None:
    picture = resting()
    picture.servings["s"]["status"]["conditions"][0]["reason"] = "Whatever"
    assert always(picture) == ["s: reason Whatever of Ready is not known"]
    assert unknown_reasons([{"reason": "ScalingUp"}, {"reason": "Whatever"}]) == ["event reason Whatever is not known"]


def test_records_replay_and_a_changed_one_is_told() -> None:
    spec = ElasticServingSpec.model_validate(SPEC)
    seen = Seen(
        10.0, ReplicaCounts(1, 1, 0), (("Concurrency", PerReplica((("0", 50.0),), 9.0)),), Inventory(10.0), ("u7",)
    )
    decided = decide(spec, seen, None, 10.0)
    text = lines.line(seen, None, decided.decision, {"serving": "n/s", "spec": SPEC})
    assert list(replayed([text])) == []
    forged = json.loads(text)
    forged["decision"]["to"] += 1
    [told] = replayed([json.dumps(forged)])
    assert told.startswith("record 1 (n/s) gives ")
    assert next(iter(replayed([text[:-9]]))).startswith("record 1 cannot be read: ")
