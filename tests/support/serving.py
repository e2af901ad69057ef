"""ElasticServings as the API server would hand them to us, for tests without one."""

from collections.abc import Mapping
from typing import Any

from elastic_serving.api.models import ElasticServing
from elastic_serving.api.parse import read
from tests.support.manifests import manifest

NAMESPACE = "team-a"
UID = "0c1f2a3e-0000-4000-8000-000000000001"


def serving_of(
    *changes: Mapping[str, Any], name: str = "llama-8b", namespace: str = NAMESPACE, uid: str = UID, generation: int = 1
) -> ElasticServing:
    """The smallest serving with ``changes`` of its spec, stored under ``namespace`` and ``uid``."""
    stored = manifest(*changes, name=name)
    stored["metadata"] |= {"namespace": namespace, "uid": uid, "generation": generation, "resourceVersion": "7"}
    return read(stored)
