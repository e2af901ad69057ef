"""Where a host may run: the nodes of its GPU product, tainted or not. Pure."""

from collections.abc import Sequence
from itertools import product
from typing import Any, Final

from elastic_serving.api.models import Gpu
from elastic_serving.kube.api import Object

GPU_RESOURCE: Final = "nvidia.com/gpu"

PRODUCT_LABELS: Final = (
    "nvidia.com/gpu.product",
    "cloud.google.com/gke-accelerator",
    "karpenter.k8s.aws/instance-gpu-name",
)
"""Who names a node's GPU product: GPU feature discovery, GKE, Karpenter. One of them having the value is enough, so one
manifest works on each."""

GPU_TOLERATION: Final[Object] = {"key": GPU_RESOURCE, "operator": "Exists"}
"""GPU nodes are commonly tainted with the resource's name, so that nothing else takes their place."""

_REQUIRED: Final = "requiredDuringSchedulingIgnoredDuringExecution"


def with_product(gpu: Gpu, affinity: Object | None) -> Object:
    """``affinity`` (the user's, may be None) that also requires a node of the product.

    Node selector terms are alternatives, so each of the user's is combined with each way to name the product: 2 terms
    of the user become 6, and neither condition is lost.
    """
    ours = [{"matchExpressions": [{"key": key, "operator": "In", "values": [gpu.product]}]} for key in PRODUCT_LABELS]
    affinity = dict(affinity or {})
    node = dict(affinity.get("nodeAffinity") or {})
    required = dict(node.get(_REQUIRED) or {})
    required["nodeSelectorTerms"] = _both(required.get("nodeSelectorTerms") or (), ours)
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
