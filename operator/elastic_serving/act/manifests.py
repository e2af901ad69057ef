"""The pods of a replica. Pure: the same serving, index, rank and revision give the same manifest, byte for byte.

Ours first, then the user's template laid over it (merge.py), then what must be ours whatever the template says: our
labels, the name and its DNS, the owner, the GPU product, the scheduling gate and restartPolicy Never (a dead container
ends its replica, which is made anew as a whole).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from elastic_serving.act.engines import launch_of, readiness_probe
from elastic_serving.act.merge import merged
from elastic_serving.act.placement import GPU_TOLERATION, with_product
from elastic_serving.act.weights import WEIGHTS_PATH, Weights, weights_of
from elastic_serving.api import labels
from elastic_serving.api.models import VLLM_IMAGE, ElasticServing
from elastic_serving.kube.api import Object, Resource
from elastic_serving.scaling.model import Role
from elastic_serving.topology.gpu import RESOURCE

PODS: Final = Resource("", "v1", "pods")

RENDER_VERSION: Final = "1"
"""Counts changes of this package's output. It stands on every pod and triggers nothing."""

GRACE_BEYOND_DRAIN_SECONDS: Final = 30
"""``PRE_STOP_SECONDS``, the engine's own exit after its last answer, and what a loaded node adds."""
PRE_STOP_SECONDS: Final = 5
"""Between the deletion and SIGTERM: proxies need a moment to stop sending, and a stopping engine refuses with 500."""


def pod_name(serving: str, index: int, rank: int) -> str:
    """``<serving>-<replica>-<host>``: the same host always has the same name, so making it twice makes it once."""
    return f"{serving}-{index}-{rank}"


def hosts_service_name(serving: str) -> str:
    """Name of the headless Service, the subdomain of every host."""
    return f"{serving}-hosts"


def owner_reference(serving: ElasticServing) -> Object:
    """The controller reference by which the garbage collector and adoption recognise our objects."""
    return {
        "apiVersion": serving.api_version,
        "kind": serving.kind,
        "name": serving.metadata.name,
        "uid": serving.metadata.uid,
        "controller": True,
        "blockOwnerDeletion": False,
    }


def is_ours(metadata: Mapping[str, Any], owner_uid: str) -> bool:
    """The controller reference names this very ElasticServing (by uid: a namesake made anew owns nothing)."""
    return any(
        reference.get("controller") and reference.get("uid") == owner_uid
        for reference in metadata.get("ownerReferences") or ()
    )


@dataclass(frozen=True, slots=True)
class EngineDefaults:
    """What an absent ``spec.engine.image`` means to this operator. Not part of the revision: it restarts nothing."""

    image: str = VLLM_IMAGE
    pull_secrets: tuple[str, ...] = ()
    """Names of the image's pull Secrets, which each serving's namespace must have."""


BUILT_IN: Final = EngineDefaults()


def pod_of(
    serving: ElasticServing, index: int, rank: int, revision: str, defaults: EngineDefaults = BUILT_IN
) -> Object:
    """Host ``rank`` of replica ``index`` as it is to be created: gated, of role serving.

    ``defaults`` are what an absent ``spec.engine.image`` means.
    """
    template = serving.spec.template or {}
    users, users_metadata = template.get("spec") or {}, template.get("metadata") or {}
    spec = merged(_pod_spec(serving, index, rank, defaults), users)
    spec["affinity"] = with_product(serving.spec.accelerator.gpu, spec.get("affinity"))
    gates = [gate for gate in spec.get("schedulingGates") or () if gate.get("name") != labels.SCHEDULING_GATE]
    spec["schedulingGates"] = [{"name": labels.SCHEDULING_GATE}, *gates]
    name = pod_name(serving.metadata.name, index, rank)
    spec |= {"restartPolicy": "Never", "hostname": name, "subdomain": hosts_service_name(serving.metadata.name)}
    size = str(serving.spec.accelerator.gpu.hosts)
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": name,
            "namespace": serving.metadata.namespace,
            "labels": {**(users_metadata.get("labels") or {}), **_labels(serving, index, rank, revision)},
            "annotations": {**(users_metadata.get("annotations") or {}), labels.SIZE: size},
            "ownerReferences": [owner_reference(serving)],
        },
        "spec": spec,
    }


def _labels(serving: ElasticServing, index: int, rank: int, revision: str) -> dict[str, str]:
    return {
        labels.MANAGED_BY: labels.MANAGED_BY_VALUE,
        labels.SERVING: serving.metadata.name,
        labels.REPLICA: str(index),
        labels.HOST: str(rank),
        labels.ROLE: Role.SERVING.value,
        labels.REVISION: revision,
        labels.RENDER: RENDER_VERSION,
        labels.ENGINE: serving.spec.engine.kind.value.lower(),
    }


def _pod_spec(serving: ElasticServing, index: int, rank: int, defaults: EngineDefaults) -> Object:
    """Our part of the pod's spec, before the user's template."""
    weights = weights_of(serving.spec.model.uri)
    # Tensor-parallel workers exchange tensors in /dev/shm, of which a container has 64 MiB by itself.
    volumes: list[Object] = [{"name": "shm", "emptyDir": {"medium": "Memory"}}]
    if weights.volume is not None:
        volumes.append({"name": "weights", **weights.volume})
    secrets = () if serving.spec.engine.image else defaults.pull_secrets
    return {
        **({"imagePullSecrets": [{"name": name} for name in secrets]} if secrets else {}),
        "automountServiceAccountToken": False,
        # Links would set <SERVICE>_PORT variables: a Service called "vllm" would break vLLM through VLLM_PORT.
        "enableServiceLinks": False,
        "terminationGracePeriodSeconds": serving.spec.drain.timeout_seconds + GRACE_BEYOND_DRAIN_SECONDS,
        "securityContext": {"seccompProfile": {"type": "RuntimeDefault"}},
        "tolerations": [dict(GPU_TOLERATION)],
        "volumes": volumes,
        "containers": [_engine(serving, weights, index, rank, defaults.image)],
    }


def _engine(serving: ElasticServing, weights: Weights, index: int, rank: int, default_image: str) -> Object:
    """The container "main". It may run as root, as the engines' public images do, but with no capability at all."""
    spec = serving.spec
    launch = launch_of(serving, weights)
    mounts: list[Object] = [{"name": "shm", "mountPath": "/dev/shm"}]  # noqa: S108 - shared memory, not a temporary file
    if weights.volume is not None:
        mounts.append({"name": "weights", "mountPath": WEIGHTS_PATH, "readOnly": True})
    container: Object = {
        "name": labels.ENGINE_CONTAINER,
        "image": spec.engine.image or default_image,
        "env": _group_environment(serving, index, rank),
        "ports": [{"name": labels.ENGINE_PORT_NAME, "containerPort": spec.engine.port, "protocol": "TCP"}],
        "resources": {"limits": {RESOURCE: str(spec.accelerator.gpu.per_host)}},
        "lifecycle": {"preStop": {"sleep": {"seconds": PRE_STOP_SECONDS}}},
        "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
        "volumeMounts": mounts,
    }
    if launch.command:
        container["command"] = list(launch.command)
    if launch.args:
        container["args"] = list(launch.args)
    if spec.model.secret_ref is not None:
        container["envFrom"] = [{"secretRef": {"name": spec.model.secret_ref.name}}]
    if rank == 0:
        container["readinessProbe"] = readiness_probe(spec.engine.kind)
    return container


def _group_environment(serving: ElasticServing, index: int, rank: int) -> list[Object]:
    """LeaderWorkerSet's contract, so that what runs under it runs here: leader's address, group size, own rank."""
    name, namespace = serving.metadata.name, serving.metadata.namespace
    leader = f"{pod_name(name, index, 0)}.{hosts_service_name(name)}.{namespace}"
    return [
        {"name": "LWS_LEADER_ADDRESS", "value": leader},
        {"name": "LWS_GROUP_SIZE", "value": str(serving.spec.accelerator.gpu.hosts)},
        {"name": "LWS_WORKER_INDEX", "value": str(rank)},
    ]
