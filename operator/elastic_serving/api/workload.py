"""What runs in a replica: the model, its engine, its accelerator, how it starts and how it drains."""

import re
from collections.abc import Sequence
from enum import StrEnum
from typing import Annotated, ClassVar, Final

from pydantic import Field

from elastic_serving.api.base import Model, Whole
from elastic_serving.api.rules import Kind, Rule, shaped, value
from elastic_serving.topology.group import Group

VLLM_IMAGE: Final = "vllm/vllm-openai:v0.33.0"
"""What engine.image is for vLLM when neither the user nor the operator's settings name one."""

_DNS_NAME: Final = "[a-z0-9]([-a-z0-9.]*[a-z0-9])?"
_FLAGS_WITH_A_FIELD: Final = "--(max[-_]num[-_]seqs|served[-_]model[-_]name|port)(=.*)?"


class SecretReference(Model):
    """A Secret of the serving's namespace."""

    rules: ClassVar[tuple[Rule, ...]] = (
        shaped("name", _DNS_NAME, 'name "%s" must be the name of a Secret: lower case letters, digits, - and .'),
    )

    name: Annotated[str, Field(min_length=1, max_length=253)]
    """Name of the Secret. Its keys become environment variables of the engine's container (HF_TOKEN, AWS_ACCESS_KEY_ID
    and so on), never arguments, so that they show up neither in the process list nor in logs."""


class ModelSource(Model):
    """Which model, and where its weights are."""

    rules: ClassVar[tuple[Rule, ...]] = (
        shaped(
            "uri",
            "(hf|s3|gs|pvc|oci)://[!-~]+",
            'uri "%s" must be hf://, s3://, gs://, pvc:// or oci:// followed by a path without spaces',
        ),
        shaped("name", "[!-~]+", 'name "%s" must not contain spaces or control characters', optional=True),
    )

    uri: Annotated[str, Field(min_length=1, max_length=1024)]
    """Where the weights are: hf://organisation/model, s3://bucket/path, gs://bucket/path, pvc://claim/path or
    oci://registry/image."""
    name: Annotated[str, Field(min_length=1, max_length=253)] | None = None
    """The name clients put into "model" of a request. Default: metadata.name, because it is known to be unique in the
    namespace."""
    secret_ref: SecretReference | None = None
    """Credentials for the weights. Default: none, the weights are public or the pod's identity suffices."""


class EngineKind(StrEnum):
    """The serving engines whose metrics are known; Generic is any other."""

    VLLM = "vLLM"
    TGI = "TGI"
    SGLANG = "SGLang"
    TRITON = "Triton"
    JETSTREAM = "JetStream"
    GENERIC = "Generic"


def _sets_no_field(arguments: Sequence[str]) -> bool:
    return not any(re.fullmatch(_FLAGS_WITH_A_FIELD, argument, re.DOTALL) for argument in arguments)


class Engine(Model):
    """The program that serves the model, in the container "main"."""

    rules: ClassVar[tuple[Rule, ...]] = (
        Rule(
            cel="self.kind == 'vLLM' || has(self.image)",
            holds=lambda engine: engine.kind is EngineKind.VLLM or engine.image is not None,
            sentence="kind %s needs an image: only vLLM has a default",
            values=(value("kind"),),
            path=".image",
            kind=Kind.REQUIRED,
        ),
        shaped("image", "[!-~]+", 'image "%s" must not contain spaces or control characters', optional=True),
        Rule(
            cel="self.kind != 'vLLM' || !has(self.args) || "
            f"!self.args.exists(a, a.matches('^(?s:{_FLAGS_WITH_A_FIELD})$'))",
            holds=lambda engine: engine.kind is not EngineKind.VLLM or _sets_no_field(engine.args),
            sentence="args must not set --max-num-seqs, --served-model-name or --port: they follow "
            "engine.maxConcurrency, model.name and engine.port",
            path=".args",
            kind=Kind.FORBIDDEN,
        ),
    )

    kind: EngineKind = EngineKind.VLLM
    """Which engine: it decides the metrics that Concurrency and QueueDepth read, and how the engine is started. Default
    vLLM, the most used one; Generic knows no metrics and needs signals of type Prometheus."""
    image: Annotated[str, Field(min_length=1, max_length=512)] | None = None
    """Container image of the engine. Default: for vLLM the version this operator was tested with (a value of its
    chart); the other kinds need one."""
    args: Annotated[tuple[Annotated[str, Field(max_length=1024)], ...], Field(max_length=64)] = ()
    """More arguments for the engine, after the ones that follow from this manifest (model, served name, port, and for
    vLLM the number of sequences). Default: none."""
    port: Annotated[Whole, Field(ge=1, le=65535)] = 8000
    """TCP port the engine listens on. Default 8000, where vLLM listens."""
    max_concurrency: Annotated[Whole, Field(ge=1, le=100_000)] = 32
    """Requests one replica works on at the same time; more of them wait in the engine's queue. vLLM gets it as
    --max-num-seqs. Default 32: beside an 8B model in 16 bits, a 24 GB GPU has cache for about 32,000 tokens, 1,000 for
    each request."""
    partitions: Annotated[Whole, Field(ge=1, le=1024)] = 1
    """Engines in one replica that each work on maxConcurrency requests, such as vLLM's data-parallel ranks: a replica
    has maxConcurrency x partitions slots. It is for counting; args (--data-parallel-size) start them. Default 1: vLLM
    starts one."""

    @property
    def slots(self) -> int:
        """Requests one replica works on at the same time, over all its partitions."""
        return self.max_concurrency * self.partitions


class Gpu(Model):
    """GPUs of one replica: hosts x perHost of one product."""

    rules: ClassVar[tuple[Rule, ...]] = (
        shaped(
            "product",
            "[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?",
            'product "%s" must be a label value: letters, digits, -, _ and ., such as nvidia-l4',
        ),
    )

    product: Annotated[str, Field(min_length=1, max_length=63)]
    """GPU product as the cluster's nodes name it: the value of nvidia.com/gpu.product (GPU feature discovery),
    cloud.google.com/gke-accelerator (GKE) or karpenter.k8s.aws/instance-gpu-name (Karpenter). All replicas run on the
    same product, so that all have the same throughput."""
    per_host: Annotated[Whole, Field(ge=1, le=16)] = 1
    """GPUs of each host. Default 1: the cheapest machine that has the product."""
    hosts: Annotated[Whole, Field(ge=1, le=1)] = 1
    """Hosts (pods) of one replica, all or nothing. Default and only value 1."""

    @property
    def group(self) -> Group:
        """The shape of one replica."""
        return Group(self.hosts, self.per_host)


class Accelerator(Model):
    """What one replica runs on."""

    gpu: Gpu
    """GPUs."""


class Drain(Model):
    """How a replica leaves: out of the Service first, deleted when its last request is answered."""

    timeout_seconds: Annotated[Whole, Field(ge=0, le=86_400)] = 120
    """Longest time in seconds that a replica may take to answer its last requests before it is deleted. Default 120:
    a long answer (4,000 tokens at 35 a second) fits, and a client that never reads blocks a GPU no longer than that."""


class Startup(Model):
    """Deadline of each phase of a cold start. A replica that misses one is taken down whole, the phase and the host are
    named, and it is tried again after a growing pause."""

    provision_seconds: Annotated[Whole, Field(ge=1, le=86_400)] = 1800
    """Longest time in seconds until every host has a node. Default 1800: a cloud needs 1 to 10 minutes for a GPU
    machine, and giving up early gives up the place in its queue."""
    pull_seconds: Annotated[Whole, Field(ge=1, le=86_400)] = 900
    """Longest time in seconds from the node to the started container. Default 900: more than five times what a 10 GB
    image takes at 500 Mbit/s."""
    load_seconds: Annotated[Whole, Field(ge=1, le=86_400)] = 1800
    """Longest time in seconds from the started container to ready: weights, compilation, warm-up. Default 1800: more
    than twice what a 90 GB model takes from object storage at 1 Gbit/s."""
    max_restarts: Annotated[Whole, Field(ge=0, le=1000)] = 10
    """Failed starts in a row of one replica after which it is not tried again and Degraded reports it; an edit of the
    spec starts over. 0 never tries again. Default 10: the pauses between them (none, then 10 s doubling to 5 minutes)
    add up to 25 minutes, longer than most outages of a registry or a store."""
