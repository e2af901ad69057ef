"""Manifests of ElasticServings for tests: the smallest one, and changes to it."""

import copy
from collections.abc import Mapping
from typing import Any, Final

from elastic_serving.kube.api import Object

SMALLEST: Final[Object] = {
    "apiVersion": "elasticserving.io/v1alpha1",
    "kind": "ElasticServing",
    "metadata": {"name": "llama-8b"},
    "spec": {
        "model": {"uri": "hf://meta-llama/Llama-3.1-8B-Instruct"},
        "accelerator": {"gpu": {"product": "nvidia-l4"}},
        "scaling": {"maxReplicas": 8},
    },
}
"""Nothing else is needed."""


def manifest(*changes: Mapping[str, Any], name: str = "llama-8b") -> Object:
    """The smallest manifest with ``changes`` of its spec: objects are merged, everything else replaces what was there.

    A field changed to ``REMOVED`` is taken out.
    """
    made = copy.deepcopy(SMALLEST)
    made["metadata"]["name"] = name
    for change in changes:
        made["spec"] = _merged(made["spec"], change)
    return made


REMOVED: Final = object()


def _merged(present: Mapping[str, Any], change: Mapping[str, Any]) -> Object:
    merged = dict(present)
    for field, content in change.items():
        if content is REMOVED:
            merged.pop(field, None)
        elif isinstance(content, Mapping) and isinstance(merged.get(field), Mapping):
            merged[field] = _merged(merged[field], content)
        else:
            merged[field] = content
    return merged
