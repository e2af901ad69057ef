"""Where a host may run: the nodes of its GPU product, tainted or not. Pure."""

from collections.abc import Sequence
from itertools import product
from typing import Any, Final

from elastic_serving.api.models import Gpu
from elastic_serving.kube.api import Object
from elastic_serving.topology.gpu import RESOURCE, product_terms

GPU_TOLERATION: Final[Object] = {"key": RESOURCE, "operator": "Exists"}
"""GPU nodes are commonly tainted with the resource's name, so that nothing else takes their place."""

_REQUIRED: Final = "requiredDuringSchedulingIgnoredDuringExecution"


def with_product(gpu: Gpu, affinity: Object | None) -> Object:
    """``affinity`` (the user's, may be None) that also requires a node of the product.

    Node selector terms are alternatives, so each of the user's is combined with each way to name the product: 2 terms
    of the user become 6, and neither condition is lost.
    """
    affinity = dict(affinity or {})
    node = dict(affinity.get("nodeAffinity") or {})
    required = dict(node.get(_REQUIRED) or {})
    required["nodeSelectorTerms"] = _both(required.get("nodeSelectorTerms") or (), product_terms(gpu.product))
    node[_REQUIRED] = required
    affinity["nodeAffinity"] = node
    return affinity


def _both(users: Sequence[Any], ours: Sequence[Object]) -> list[Object]:
    if not users:
        return list(ours)
    return [
        {**theirs, "matchExpressions": [*(theirs.get("matchExpressions") or ()), *mine["matchExpressions"]]}
        for theirs, mine in product(users, ours)
    ]
