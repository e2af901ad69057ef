"""Which edits of a spec give its pods another revision, and which do not."""

from collections.abc import Mapping
from typing import Any

import pytest

from elastic_serving.act.revision import revision_of, users_part
from elastic_serving.api.models import ElasticServingSpec
from tests.support.manifests import manifest

EVERYTHING: Mapping[str, Any] = {
    "model": {"uri": "s3://bucket/llama", "name": "llama", "secretRef": {"name": "token"}},
    "engine": {"kind": "vLLM", "image": "registry/vllm:v1", "args": ["--a", "--b"], "port": 9000, "maxConcurrency": 64},
    "template": {"spec": {"priorityClassName": "high", "tolerations": [{"key": "spot"}]}},
    "accelerator": {"gpu": {"product": "nvidia-l4", "perHost": 2}},
    "drain": {"timeoutSeconds": 60},
}


def spec_of(*changes: Mapping[str, Any]) -> ElasticServingSpec:
    return ElasticServingSpec.model_validate(manifest(EVERYTHING, *changes)["spec"])


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"model": {"uri": "s3://bucket/other"}}, id="other weights"),
        pytest.param({"model": {"name": "other"}}, id="another served name"),
        pytest.param({"model": {"secretRef": {"name": "other"}}}, id="another secret"),
        pytest.param({"engine": {"kind": "SGLang"}}, id="another engine"),
        pytest.param({"engine": {"image": "registry/vllm:v2"}}, id="another image"),
        pytest.param({"engine": {"args": ["--b", "--a"]}}, id="another order of arguments"),
        pytest.param({"engine": {"port": 9001}}, id="another port"),
        pytest.param({"engine": {"maxConcurrency": 65}}, id="another concurrency"),
        pytest.param({"template": {"spec": {"priorityClassName": "low"}}}, id="another template"),
        pytest.param({"accelerator": {"gpu": {"product": "nvidia-l40s"}}}, id="another GPU"),
        pytest.param({"accelerator": {"gpu": {"perHost": 1}}}, id="another number of GPUs"),
    ],
)  # fmt: skip
def test_what_an_engine_must_be_restarted_for_gives_another_revision(change: Mapping[str, Any]) -> None:
    assert revision_of(spec_of(change)) != revision_of(spec_of())


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"scaling": {"maxReplicas": 9, "minReplicas": 2}}, id="limits"),
        pytest.param({"scaling": {"signals": [{"type": "QueueDepth", "target": 4}]}}, id="signals"),
        pytest.param({"scaling": {"mode": "Manual"}, "replicas": 3}, id="mode and replicas"),
        pytest.param({"engine": {"partitions": 2}}, id="partitions, which only count"),
        pytest.param({"startup": {"loadSeconds": 60}}, id="deadlines of a start"),
        pytest.param({"drain": {"timeoutSeconds": 600}}, id="the drain's timeout: new pods get it, present ones stay"),
    ],
)
def test_what_never_reaches_the_engine_keeps_the_revision(change: Mapping[str, Any]) -> None:
    assert revision_of(spec_of(change)) == revision_of(spec_of())


def test_the_order_of_fields_does_not_matter() -> None:
    turned = {name: EVERYTHING[name] for name in reversed(list(EVERYTHING))}
    turned["template"] = {"spec": {"tolerations": [{"key": "spot"}], "priorityClassName": "high"}}
    assert revision_of(ElasticServingSpec.model_validate(manifest(turned)["spec"])) == revision_of(spec_of())


def test_writing_down_the_defaults_keeps_the_revision() -> None:
    """The API server stores every default with the object, whether the user wrote it or not."""
    defaults = {
        "engine": {"kind": "vLLM", "port": 8000, "maxConcurrency": 32, "args": []},
        "accelerator": {"gpu": {"perHost": 1, "hosts": 1}},
        "template": {},
    }
    smallest = ElasticServingSpec.model_validate(manifest()["spec"])
    assert revision_of(ElasticServingSpec.model_validate(manifest(defaults)["spec"])) == revision_of(smallest)


def test_of_the_smallest_manifest_only_what_the_user_wrote_counts() -> None:
    """Fails when a field with a default is added: its first default belongs into BASELINE, or every model restarts."""
    assert users_part(ElasticServingSpec.model_validate(manifest()["spec"])) == {
        "model": {"uri": "hf://meta-llama/Llama-3.1-8B-Instruct"},
        "accelerator": {"gpu": {"product": "nvidia-l4"}},
    }


def test_revisions_of_the_first_release_stay_what_they_were() -> None:
    """Written down once: a hash that changes here restarts every replica of every user on the next upgrade."""
    assert revision_of(ElasticServingSpec.model_validate(manifest()["spec"])) == "fa54990954"
    assert revision_of(spec_of()) == "36b56b3f08"
