"""Queries that measure something else than the load of a model: utilization of CPU or GPU. A warning, never a refusal.

GPU: NVML's utilization is the part of the last sample period (1/6 s to 1 s) in which any kernel ran, so one long
request looks like a full GPU (docs.nvidia.com, NVML API, nvmlUtilization_t; read 2026-11-24). CPU: a server's processor
feeds its GPU from about one core, whatever the GPU does. Both end at their top: the number grows by a ratio at a time.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import Final

from elastic_serving.api.models import EffectiveSignal, ElasticServingSpec, TargetType


class Utilization(StrEnum):
    """Of what."""

    CPU = "CPU"
    GPU = "GPU"


@dataclass(frozen=True, slots=True)
class Misleading:
    """A signal, the metric it reads, and why that misleads, as a sentence without its full stop."""

    signal: str
    metric: str
    of: Utilization
    sentence: str


def misleading_signals(spec: ElasticServingSpec) -> tuple[Misleading, ...]:
    """The signals that read utilization, in the order of the manifest."""
    return tuple(_of(signal, *found) for signal in spec.signals if signal.query and (found := _found(signal.query)))


def _of(signal: EffectiveSignal, metric: str, of: Utilization) -> Misleading:
    if of is Utilization.CPU:
        why = "the CPU of a GPU server does not tell how busy the GPU is: feeding it takes about one core"
    else:
        why = "a GPU counts as busy while any kernel runs in the sample period, however much more it could carry"
    top = next((top for top in (1, 100) if signal.target < top), None)
    if signal.target_type is TargetType.VALUE and top is not None:
        why += f"; and it ends at {top}, so the number grows at most x {top / signal.target:.3g} a step"
    return Misleading(signal.name, metric, of, f"{signal.name} reads {metric}: {why}")


@lru_cache(maxsize=1024)
def _found(query: str) -> tuple[str, Utilization] | None:
    """The first metric of utilization that ``query`` names, outside of label values."""
    for name in _metrics(query):
        for of, pattern in _PATTERNS:
            if pattern.search(name):
                return name, of
    return None


def _metrics(query: str) -> Iterator[str]:
    """Every name in ``query`` that may be a metric's: label values are not, but for that of __name__."""
    yield from _BY_LABEL.findall(query)
    yield from _NAME.findall(_TEXT.sub(" ", query))


_PATTERNS: Final = (
    (
        Utilization.GPU,
        re.compile(
            r"(^|[_:])gpu_util|utilization_gpu|gr_engine_active|duty_cycle|nvml\w*_util|mem_copy_util"
            r"|gpu_(use|busy)_percent|gpu_gfx_activity",
            re.IGNORECASE,
        ),
    ),
    (
        Utilization.CPU,
        re.compile(
            r"(^|[_:])cpu_(core_)?(usage|user|system|seconds|time|busy|load|util|(limit|request)_util)|^node_load\d+$",
            re.IGNORECASE,
        ),
    ),
)
"""Names of dcgm-exporter, GKE, nvidia-smi and AMD exporters; of cAdvisor, node and process exporters."""
_NAME: Final = re.compile(r"[A-Za-z_:][A-Za-z0-9_:]*")
_TEXT: Final = re.compile(r"\"(?:\\.|[^\"\\])*\"|'(?:\\.|[^'\\])*'|`[^`]*`")
_BY_LABEL: Final = re.compile(r"__name__\s*=~?\s*[\"'`]([^\"'`]*)")
