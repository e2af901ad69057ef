"""A manifest given as a file: one ElasticServing, or the file, the line and the reason."""

import io

import pytest

from elastic_serving.commands.manifest import read_manifest
from elastic_serving.commands.refusal import Refused

GOOD = """\
apiVersion: elasticserving.io/v1alpha1
kind: ElasticServing
metadata: {name: m}
spec:
  model: {uri: hf://a/b}
  accelerator: {gpu: {product: nvidia-l4}}
  scaling:
    maxReplicas: 8
"""
OTHER = "kind: ConfigMap\n---\n"


def file(text: str) -> io.BytesIO:
    made = io.BytesIO(text.encode())
    made.name = "m.yaml"
    return made


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(GOOD, id="alone"),
        pytest.param(f"---\n{OTHER}{GOOD}---\n", id="among other kinds and empty documents"),
    ],
)
def test_the_one_serving_of_a_file_is_read(text: str) -> None:
    assert read_manifest(file(text)).spec.scaling.max_replicas == 8


@pytest.mark.parametrize(
    ("text", "said"),
    [
        pytest.param("a: [\n", "m.yaml:2: not YAML: ", id="no YAML"),
        pytest.param("a: \x00", "m.yaml: not YAML: ", id="bytes that are no text"),
        pytest.param("", "m.yaml: 0 objects of kind ElasticServing; exactly one is needed", id="nothing"),
        pytest.param(
            GOOD + "---\n" + GOOD, "m.yaml: 2 objects of kind ElasticServing; exactly one is needed", id="two"
        ),
        pytest.param(
            OTHER + GOOD.replace("8", "0"),
            "m.yaml:10: spec.scaling.maxReplicas: 0: input should be greater than or equal to 1",
            id="a value out of range",
        ),
        pytest.param(
            GOOD + "    signals:\n    - type: Concurrency\n    - type: QueueDepth\n      traget: 4\n",
            "m.yaml:12: spec.scaling.signals[1].traget: there is no such field",
            id="a field that is not there",
        ),
        pytest.param(
            GOOD.replace("  model: {uri: hf://a/b}\n", ""),
            "m.yaml:4: spec.model: required, but not there",
            id="a field that is missing",
        ),
    ],
)
def test_a_file_that_is_none_is_refused_with_its_line(text: str, said: str) -> None:
    with pytest.raises(Refused) as refused:
        read_manifest(file(text))
    assert refused.value.exit_code == 2
    assert refused.value.message.startswith(said)
