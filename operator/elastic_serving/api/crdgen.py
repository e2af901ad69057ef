"""The CustomResourceDefinitions and the reference page, generated from the models.

``python -m elastic_serving.api.crdgen`` in the root of the repository writes them; ``crds/`` and
``docs/reference/elasticserving.md`` are never edited by hand, and tests/unit/api/test_generated.py fails when they
differ.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import yaml

from elastic_serving.api.labels import GROUP, KIND, MEMORY_KIND, MEMORY_PLURAL, PLURAL, VERSION
from elastic_serving.api.models import ElasticServing, ServingMemory
from elastic_serving.api.reference import reference_page
from elastic_serving.api.structural import structural

HEADER: Final = "# Generated from operator/elastic_serving/api by `make generate`; edit the models instead.\n"

_COLUMNS: Final = (
    ("Desired", "integer", ".status.desiredReplicas", "Replicas there should be.", 0),
    ("Serving", "integer", ".status.servingReplicas", "Replicas that answer requests.", 0),
    ("Starting", "integer", ".status.startingReplicas", "Replicas on their way to serving.", 0),
    ("Load", "string", ".status.load", "The winning signal / (its target x serving replicas).", 0),
    ("Why", "string", ".status.why", "Why the number is what it is.", 0),
    ("Age", "date", ".metadata.creationTimestamp", "Since when the object exists.", 0),
    ("Accelerator", "string", ".spec.accelerator.gpu.product", "What one replica runs on.", 1),
    ("Target", "string", ".status.target", "The winning signal's target for one replica.", 1),
    ("Queue", "string", ".status.queue.summary", "Requests that wait, and the time to the last one's slot.", 1),
    ("Changed", "date", ".status.decision.time", "When the number of replicas last changed.", 1),
)


def serving_crd() -> dict[str, Any]:
    """The CustomResourceDefinition of ElasticServing."""
    version = _version(structural(ElasticServing))
    version["subresources"] = {
        "status": {},
        "scale": {
            "specReplicasPath": ".spec.replicas",
            "statusReplicasPath": ".status.servingReplicas",
            "labelSelectorPath": ".status.selector",
        },
    }
    version["additionalPrinterColumns"] = [
        {"name": name, "type": kind, "jsonPath": path, "description": description}
        | ({"priority": wide} if wide else {})
        for name, kind, path, description, wide in _COLUMNS
    ]
    return _definition(KIND, PLURAL, version, short_names=["es"], categories=["all"])


def memory_crd() -> dict[str, Any]:
    """The CustomResourceDefinition of ServingMemory."""
    return _definition(MEMORY_KIND, MEMORY_PLURAL, _version(structural(ServingMemory)), short_names=[], categories=[])


def documents() -> dict[str, str]:
    """Every generated file by its path in the repository."""
    serving, memory = serving_crd(), memory_crd()
    return {
        f"crds/{PLURAL}.yaml": as_yaml(serving),
        f"crds/{MEMORY_PLURAL}.yaml": as_yaml(memory),
        "docs/reference/elasticserving.md": reference_page(_schema_of(serving)),
    }


def as_yaml(definition: Mapping[str, Any]) -> str:
    """``definition`` as text with a header that says where it comes from."""
    return HEADER + yaml.safe_dump(dict(definition), sort_keys=False, width=120)


def main(root: Path = Path()) -> None:
    """Writes every generated file below ``root``."""
    for path, text in documents().items():
        target = root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")


def _version(schema: dict[str, Any]) -> dict[str, Any]:
    properties = schema["properties"]
    properties["apiVersion"] = {"type": "string"}
    properties["kind"] = {"type": "string"}
    properties["metadata"] = {"type": "object", "properties": {"name": {"type": "string", "maxLength": 253}}}
    schema["required"] = [name for name in schema.get("required", []) if name != "metadata"]
    if not schema["required"]:
        del schema["required"]
    return {"name": VERSION, "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}}


def _definition(
    kind: str, plural: str, version: dict[str, Any], *, short_names: list[str], categories: list[str]
) -> dict[str, Any]:
    names: dict[str, object] = {"kind": kind, "listKind": f"{kind}List", "plural": plural, "singular": kind.lower()}
    if short_names:
        names |= {"shortNames": short_names}
    if categories:
        names |= {"categories": categories}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural}.{GROUP}"},
        "spec": {"group": GROUP, "names": names, "scope": "Namespaced", "versions": [version]},
    }


def _schema_of(definition: Mapping[str, Any]) -> dict[str, Any]:
    schema: dict[str, Any] = definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    return schema


if __name__ == "__main__":
    main()
