"""Backlog against boot time: nothing is started that the present replicas would make needless.

HPA asks for replicas in proportion to what is in flight. Where a replica takes minutes to boot that is wrong twice: a
queue that the present replicas drain before a new one could be ready asks for replicas that then find no work, and
while a queue grows during the boot each sample asks for more (a step to a need of 23 asks for 800). So where it is
known how fast requests arrive, how long they take and how long a boot lasts, the question is another one: what will
there be to do when a new replica could serve?

- The running part is the load that arrives, lambda x S (Little's law), not the requests of one moment, which vary by
  their square root and more: up to what surely arrives, down to what arrives at most, and between the two nothing
  changes. That band stands where the tolerance stands on the way up: it is as wide as chance is.
- The waiting part is what will still wait after the boot: left = q + (lambda - served a second) x boot, with replicas
  that are starting included from when they are ready. Not above 0 it asks for nothing; else for as many replicas as
  drain it within ``drainHorizonSeconds``, N = (lambda + left / horizon) / mu, where mu = slots / S is one replica's;
  and for one at least where none is on its way.

Never more than HPA's formula asks for, and where something is not known, exactly that. A signal of type Erlang has the
same band of another size, and no formula above it: the slots with which few of the requests that arrive wait long.
Arrivals in bursts need more than Erlang's formula says, by their peakedness z = (1 + I) / 2, I the index of dispersion
(Whitt, AT&T Bell Laboratories Technical Journal 63(5), 1984, for exponential services; Poisson: I = 1, z = 1).
"""

import math
from dataclasses import dataclass

from elastic_serving.api.models import BacklogPolicy, EffectiveSignal, ElasticServingSpec, SignalType
from elastic_serving.queueing.erlang import servers
from elastic_serving.scaling.learn import Known
from elastic_serving.scaling.model import PerReplica, Reading, ReplicaCounts, SignalOutcome, Step
from elastic_serving.scaling.recommend import NOISE, Basis


@dataclass(frozen=True, slots=True)
class Backlog:
    """What there will be to do when a replica that is created now could serve."""

    known: Known
    left: float
    """Requests that will wait then; 0 where the queue is drained before."""
    replicas: float
    """Replicas that serve what arrives and drain ``left`` within the horizon; 0 where nothing is left."""
    horizon_seconds: int


def backlog(spec: ElasticServingSpec, current: int, counts: ReplicaCounts, known: Known | None) -> Backlog | None:
    """The forecast, or None where it is not wanted or too little is known.

    Example: 2 replicas of 4 slots, 2 s a request, 1 arrives a second, a boot lasts 60 s. They serve 4 a second, 240
    in a boot, in which 60 arrive: up to 180 waiting start nothing, 183 leave 3.
    """
    rule = spec.scaling.backlog
    if known is None or known.boot_seconds <= 0 or rule.policy is BacklogPolicy.IGNORE:
        return None
    boot, per_second = known.boot_seconds, spec.engine.slots / known.service_seconds
    served_seconds = counts.ready * boot + sum(min(age, boot) for age in counts.ages)
    left = known.waiting + known.rate * boot - per_second * served_seconds
    if known.waiting <= 0 or left <= 0:
        return Backlog(known, 0.0, 0.0, rule.drain_horizon_seconds)
    needed = (known.rate + left / rule.drain_horizon_seconds) / per_second
    if current <= counts.ready:
        needed = max(needed, current + 1)
    return Backlog(known, left, needed, rule.drain_horizon_seconds)


def trimmed(
    signal: EffectiveSignal, reading: Reading, asked: tuple[SignalOutcome, Step], on: Basis, ahead: Backlog
) -> tuple[SignalOutcome, Step]:
    """What ``signal`` asks for when the formula's answer is held against the forecast. At zero replicas, where the
    signal is missing, and for signals that count no requests, the formula's answer stands; also where the signal knows
    more than twice the requests of which the forecast was made, which then is of another load."""
    outcome, step = asked
    if outcome.recommendation is None or on.current == 0 or (outcome.value or 0.0) > 2 * ahead.known.in_flight:
        return asked
    if signal.type is SignalType.QUEUE_DEPTH:
        replicas, why = _of_queue(outcome.recommendation, on, ahead)
    elif signal.type in (SignalType.CONCURRENCY, SignalType.LATENCY, SignalType.ERLANG):
        silent = sum(number is None for _, number in reading.values) if isinstance(reading, PerReplica) else 0
        replicas, why = _of_load(outcome.recommendation, signal, silent, on, ahead)
    else:
        return asked
    if replicas == outcome.recommendation:
        return asked
    step = Step(step.stage, step.before, replicas, f"{step.reason}; {why} -> {replicas}")
    outcome = SignalOutcome(outcome.name, outcome.value, outcome.target, replicas, outcome.sampled_at)
    return outcome, step


def _of_queue(plain: int, on: Basis, ahead: Backlog) -> tuple[int, str]:
    """More only as far as the queue outlasts a boot."""
    if plain <= on.current:
        return plain, ""
    return max(on.current, min(plain, _whole(ahead.replicas))), _said_of_queue(ahead)


def _of_load(plain: int, signal: EffectiveSignal, silent: int, on: Basis, ahead: Backlog) -> tuple[int, str]:
    """Up to what surely arrives and what the queue needs, down to what arrives at most, and not while requests wait.
    A silent replica counts as at its target on the way down, as in the formula; of no load at all nothing is held."""
    known, current = ahead.known, on.current
    if plain == 0:
        return plain, ""
    surely, at_most = (_sized(signal, known, rate) for rate in (known.rate_low, known.rate))
    needed = _whole(max(surely, ahead.replicas))
    if needed > current:
        why = _said_of_queue(ahead) if ahead.replicas >= surely else _said_of_load(signal, known, known.rate_low)
        return needed if signal.type is SignalType.ERLANG else max(current, min(plain, needed)), why
    if known.waiting > 0:
        return current, _said_of_queue(ahead)
    fewest = _whole(at_most + silent)
    if at_most + silent < current * on.calm_from and fewest < current:
        return fewest, _said_of_load(signal, known, known.rate)
    return current, f"{_said_of_load(signal, known, known.rate)}: within what varies by chance"


def _said_of_queue(ahead: Backlog) -> str:
    waiting = f"{ahead.known.waiting:.0f} of them wait"
    if ahead.left <= 0:
        return f"{waiting} and drain before a new replica is ready"
    waiting += f", {ahead.left:.0f} will when a new replica is ready"
    return f"{waiting}, {ahead.replicas:.3g} replicas drain them in {ahead.horizon_seconds} s"


def _sized(signal: EffectiveSignal, known: Known, rate: float) -> float:
    """Replicas for ``rate`` arrivals a second: their load / the target. An Erlang signal's target is the slots."""
    load = rate * known.service_seconds
    if signal.type is SignalType.ERLANG:
        z = (1 + known.dispersion) / 2
        load = servers(load, known.service_seconds, signal.wait_seconds, signal.probability, z)
    return load / signal.target


def _said_of_load(signal: EffectiveSignal, known: Known, rate: float) -> str:
    load = rate * known.service_seconds
    said = f"{rate:.3g} arrive a second and take {known.service_seconds:.3g} s, {load:.3g} at once"
    if signal.type is not SignalType.ERLANG:
        return said
    slots, part = _sized(signal, known, rate) * signal.target, signal.probability * 100
    return f"{said}; {slots:.10g} slots let {part:.3g} % wait longer than {signal.wait_seconds:.10g} s"


def _whole(load: float) -> int:
    return math.ceil(load - NOISE)
