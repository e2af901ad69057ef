"""Fake nodes as accelerator clouds make them: labels, taints and capacity, and annotations that script their troubles.

Labels of GPU nodes are those of GPU feature discovery and of GKE; TPU nodes look as GKE's node pools make them
(cloud.google.com/kubernetes-engine, "TPUs in GKE", read November 2026).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from dev.cluster.components import FAKE_NODE_ANNOTATION

BOOT_SECONDS: Final = "dev.elasticserving.io/boot-seconds"
"""Node: seconds from its creation until it is Ready (fractions allowed; 0 unless set)."""
BOOT_FAILS: Final = "dev.elasticserving.io/boot-fails"
"""Node: "true" means it never becomes Ready."""
NOT_READY: Final = "dev.elasticserving.io/not-ready"
"""Node: "true" makes it NotReady at once; removed, it is Ready again."""
PULL_SECONDS: Final = "dev.elasticserving.io/pull-seconds"
"""Pod: seconds from its binding until its containers run (fractions allowed; 0 unless set)."""
PULL_FAILS: Final = "dev.elasticserving.io/pull-fails"
"""Pod: "true" means ErrImagePull after the pull time, then ImagePullBackOff until it is removed."""
CRASH_AFTER_SECONDS: Final = "dev.elasticserving.io/crash-after-seconds"
"""Pod: seconds from its containers' start until they end; only pods with restartPolicy Never."""
EXIT_CODE: Final = "dev.elasticserving.io/exit-code"
"""Pod: with which code they end then (1 unless set); 0 makes the pod Succeeded, others make it Failed."""

GPU: Final = "nvidia.com/gpu"
TPU: Final = "google.com/tpu"

Manifest = dict[str, object]


@dataclass(frozen=True, slots=True)
class Placement:
    """Where a node stands and how it behaves."""

    zone: str = "us-west4-a"
    boot_seconds: float = 0.0
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)

    @property
    def region(self) -> str:
        """The zone without its last letter: us-west4 for us-west4-a."""
        return self.zone.rpartition("-")[0]


def gpu_node(
    name: str, *, product: str = "nvidia-l4", count: int = 1, placement: Placement | None = None, tainted: bool = False
) -> Manifest:
    """A node with ``count`` GPUs of ``product`` (GKE's name, like nvidia-l4); ``tainted`` as GKE taints GPU nodes."""
    labels = {
        "nvidia.com/gpu.present": "true",
        "nvidia.com/gpu.product": _discovered(product),
        "nvidia.com/gpu.count": str(count),
        "cloud.google.com/gke-accelerator": product,
        "cloud.google.com/gke-accelerator-count": str(count),
    }
    taints = [{"key": GPU, "value": "present", "effect": "NoSchedule"}] if tainted else []
    return _node(name, labels, {GPU: str(count)}, taints, placement or Placement())


def tpu_node(
    name: str,
    *,
    accelerator: str = "tpu-v5-lite-podslice",
    topology: str = "2x2",
    pool: str,
    chips: int = 4,
    placement: Placement | None = None,
) -> Manifest:
    """One host with ``chips`` TPU chips of node pool ``pool``, whose slice has ``topology``."""
    labels = {
        "cloud.google.com/gke-tpu-accelerator": accelerator,
        "cloud.google.com/gke-tpu-topology": topology,
        "cloud.google.com/gke-nodepool": pool,
        "cloud.google.com/gke-accelerator-count": str(chips),
    }
    taints = [{"key": TPU, "value": "present", "effect": "NoSchedule"}]
    return _node(name, labels, {TPU: str(chips)}, taints, placement or Placement())


def _node(
    name: str,
    labels: Mapping[str, str],
    accelerators: Mapping[str, str],
    taints: Sequence[Mapping[str, str]],
    placement: Placement,
) -> Manifest:
    capacity = {"cpu": "96", "memory": "1Ti", "ephemeral-storage": "2Ti", "pods": "110"} | dict(accelerators)
    boot = {BOOT_SECONDS: f"{placement.boot_seconds:g}"} if placement.boot_seconds else {}
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {
            "name": name,
            "labels": {
                "kubernetes.io/hostname": name,
                "kubernetes.io/os": "linux",
                "kubernetes.io/arch": "amd64",
                "topology.kubernetes.io/zone": placement.zone,
                "topology.kubernetes.io/region": placement.region,
                **labels,
                **placement.labels,
            },
            "annotations": {FAKE_NODE_ANNOTATION: "fake", **boot, **placement.annotations},
        },
        "spec": {"taints": list(taints)},
        "status": {
            "capacity": capacity,
            # As kubelets register. Without it the node controller takes the not-ready taint off for a moment, and the
            # scheduler fills a machine that still boots.
            "conditions": [{"type": "Ready", "status": "False", "reason": "NodeBooting"}],
        },
    }


def _discovered(product: str) -> str:
    """GPU feature discovery's label of a product, as far as one can be made from GKE's: NVIDIA-L4 for nvidia-l4."""
    return product.upper()
