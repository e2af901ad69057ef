"""How each kind of engine is started, and how it tells that it is ready. Pure data and builders.

What is written here follows the engines' own documentation (vLLM 0.33 ``vllm serve --help``; SGLang server arguments;
text-generation-launcher arguments; Triton's readiness endpoint: all read November 2026). Where an engine has no
command line that a model's address alone determines (Triton, JetStream, Generic) the user's ``engine.args`` are all it
gets.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from elastic_serving.act.weights import Weights
from elastic_serving.api import labels
from elastic_serving.api.models import ElasticServing, EngineKind
from elastic_serving.kube.api import Object


@dataclass(frozen=True, slots=True)
class Launch:
    """The start of an engine: ``command`` replaces the image's entry point where it is not empty."""

    command: tuple[str, ...]
    args: tuple[str, ...]


def launch_of(serving: ElasticServing, weights: Weights) -> Launch:
    """Command and arguments of the engine; ``engine.args`` come last, so a flag given there wins over ours.

    No secret is ever among them: arguments can be read by anybody who may list pods.
    """
    build = _LAUNCHES.get(serving.spec.engine.kind)
    ours = build(serving, weights) if build else Launch((), ())
    return Launch(ours.command, (*ours.args, *serving.spec.engine.args))


def readiness_probe(kind: EngineKind) -> Object:
    """Ready when the engine says so over HTTP, or where its path is not known when it takes connections.

    Asked every 2 s, because a cold start ends with this answer; three failures in a row (6 s) take a replica out. There
    is no liveness probe: an engine that is merely slow under load must not be killed.
    """
    path = _HEALTH_PATHS.get(kind)
    ask = {"httpGet": {"path": path}} if path else {"tcpSocket": {}}
    for target in ask.values():
        target["port"] = labels.ENGINE_PORT_NAME
    return {**ask, "periodSeconds": 2, "timeoutSeconds": 5, "failureThreshold": 3}


def _vllm(serving: ElasticServing, weights: Weights) -> Launch:
    spec = serving.spec
    args = [weights.location, "--served-model-name", serving.served_model_name, "--port", str(spec.engine.port)]
    args += ["--max-num-seqs", str(spec.engine.max_concurrency)]
    args += ["--shutdown-timeout", str(spec.drain.timeout_seconds)]
    if weights.is_streamed:
        args += ["--load-format", "runai_streamer"]
    if (size := spec.accelerator.gpu.per_host) > 1:
        args += ["--tensor-parallel-size", str(size)]
    return Launch(("vllm", "serve"), tuple(args))


def _sglang(serving: ElasticServing, weights: Weights) -> Launch:
    spec = serving.spec
    args = ["--model-path", weights.location, "--served-model-name", serving.served_model_name]
    args += ["--host", "0.0.0.0", "--port", str(spec.engine.port)]  # noqa: S104 - the pod's own network namespace
    args += ["--max-running-requests", str(spec.engine.max_concurrency), "--enable-metrics"]
    if weights.is_streamed:
        args += ["--load-format", "runai_streamer"]
    if (size := spec.accelerator.gpu.per_host) > 1:
        args += ["--tp-size", str(size)]
    return Launch(("python3", "-m", "sglang.launch_server"), tuple(args))


def _tgi(serving: ElasticServing, weights: Weights) -> Launch:
    spec = serving.spec
    args = ["--model-id", weights.location, "--hostname", "0.0.0.0", "--port", str(spec.engine.port)]  # noqa: S104 - as above
    args += ["--max-concurrent-requests", str(spec.engine.max_concurrency)]
    if (size := spec.accelerator.gpu.per_host) > 1:
        args += ["--num-shard", str(size)]
    return Launch(("text-generation-launcher",), tuple(args))


_LAUNCHES: Final[Mapping[EngineKind, Callable[[ElasticServing, Weights], Launch]]] = {
    EngineKind.VLLM: _vllm,
    EngineKind.SGLANG: _sglang,
    EngineKind.TGI: _tgi,
}

_HEALTH_PATHS: Final[Mapping[EngineKind, str]] = {
    EngineKind.VLLM: "/health",
    EngineKind.SGLANG: "/health",
    EngineKind.TGI: "/health",
    EngineKind.TRITON: "/v2/health/ready",
}
