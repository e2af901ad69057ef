"""How nodes tell their GPU product, and what a pod asks for to get one. Facts only, with where they come from."""

from typing import Final

RESOURCE: Final = "nvidia.com/gpu"
"""Extended resource of NVIDIA's device plugin, and the key of the taint that GPU nodes commonly carry."""

PRODUCT_LABELS: Final = (
    "nvidia.com/gpu.product",
    "cloud.google.com/gke-accelerator",
    "karpenter.k8s.aws/instance-gpu-name",
)
"""Node labels whose value is the product: NVIDIA GPU feature discovery (NVIDIA-L4), GKE (nvidia-l4), Karpenter on AWS
(l4). The values differ between them, so users write the one their nodes carry; one label that has it is enough.
Documented in NVIDIA/k8s-device-plugin docs/gpu-feature-discovery/README.md, in GKE's guide to GPU node pools, and
among Karpenter's well-known labels."""


def product_terms(product: str) -> list[dict[str, list[dict[str, object]]]]:
    """Node selector terms (alternatives) that are met by a node of ``product``, one for each way to name it."""
    return [{"matchExpressions": [{"key": key, "operator": "In", "values": [product]}]} for key in PRODUCT_LABELS]
