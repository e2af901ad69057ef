"""What a serving's own traffic teaches: how fast requests arrive, how long they take, how long a replica boots.

All of it comes from three numbers a sample: requests running, waiting, and finished so far. What arrived between two
samples is what finished plus what there is more in flight; the mean time in a slot is the time spent in slots divided
by the finishes (Little's law, L = lambda x W: Little, Operations Research 9(3), 1961).

Means decay exponentially, and each is divided by the weight it has so far, so that the first sample counts in full. No
number is a guess made before there was anything to see: what is not known yet is None, and HPA's formula holds alone.
"""

import math
from dataclasses import dataclass, replace
from typing import Final

from elastic_serving.scaling.model import Boot, Flow, Seen

RATE_SECONDS: Final = (15.0, 60.0, 240.0)
"""Time constants of the arrival rate: one that sees a burst, one that sees a change, one that sees through noise."""
SURE: Final = 1.5
"""Standard errors by which a rate must exceed what is served before it counts as a reason for more: 1 in 15 by
chance."""
SERVICE_SECONDS: Final = 300.0
FEWEST_FINISHED, FEWEST_SECONDS = 20.0, 20.0
"""Finishes, and seconds of watching, after which what was learned is used: the mean time in a slot is then wrong by a
quarter or so, and a rate that was seen over some scrapes is no single burst."""
NOISE_SECONDS: Final = 600.0
LOAD_SECONDS: Final = 10.0
"""The load of a burst: its arrivals over about two scrapes, times the time each takes."""
SPREAD_SECONDS: Final = 900.0
"""How long a burst is remembered in full, and the time constant of the load's mean and deviation."""
PEAK_BUCKET_SECONDS: Final = 60.0
STALE_SECONDS: Final = 60.0
"""A sample older than this teaches nothing any more: what was learned may belong to another load."""
MOST_PER_SECOND: Final = 1e6
MOST_AT_ONCE: Final = 1e9
"""More requests than any serving has: a count beyond is no count, and is only where to go on from."""
SKEW, SKEWED = 5.0, 0.1
"""Requests, and part of those in flight, by which replicas that are scraped one after another may seem to lose some."""
LONGEST_BOOT_SECONDS: Final = 86_400.0
BOOTS: Final = 10


@dataclass(frozen=True, slots=True)
class Learned:
    """State after the sample of ``sampled_at``; rates are per second, ``arrivals`` in the order of RATE_SECONDS."""

    sampled_at: float
    in_flight: float
    running: float
    finished: float
    seconds: float = 0.0
    """Watched so far, gaps left out."""
    arrivals: tuple[float, float, float] = (0.0, 0.0, 0.0)
    held: float = 0.0
    """Mean of the requests in slots."""
    done: float = 0.0
    """Mean rate of finishes."""
    last: tuple[float, float] = (0.0, 0.0)
    """Rate of arrivals between the last two samples, and the seconds between them."""
    noise: float = 0.0
    """Mean square of the differences between such rates, for one second."""
    mean_rate: float = 0.0
    """The mean rate that ``noise`` is measured against."""
    burst: float = 0.0
    """Mean rate over LOAD_SECONDS."""
    load: float = 0.0
    spread: float = 0.0
    """Mean and variance of the load (requests in service if nobody had to wait)."""
    peaks: tuple[tuple[float, float], ...] = ()
    """Falling maxima of the load within SPREAD_SECONDS."""
    boots: tuple[float, ...] = ()
    """Seconds of the last cold starts; their median is what one takes, so that one that hung says nothing."""
    booted_at: float | None = None
    """When the last of them ended."""


@dataclass(frozen=True, slots=True)
class Known:
    """What may be used of it now. ``boot_seconds`` is 0 where no cold start was seen: then nothing is forecast."""

    in_flight: float
    waiting: float
    rate_low: float
    """Requests a second that arrive at least: what is less is so by chance once in 15 times."""
    rate: float
    """As the fastest of the means has it."""
    rate_mean: float
    """As the slowest of them has it."""
    dispersion: float
    """Index of dispersion of the arrivals: 1 for Poisson ones, more where they come in bursts."""
    service_seconds: float
    boot_seconds: float
    load_deviation: float
    load_mean: float
    load_peak: float


def learn(learned: Learned | None, seen: Seen) -> Learned | None:
    """``learned`` with the sample and the cold starts of ``seen``; one that was seen before changes nothing."""
    flow = seen.flow
    if flow is None or flow.running + flow.waiting > MOST_AT_ONCE:
        return learned
    if learned is None:
        first = Learned(flow.sampled_at, flow.running + flow.waiting, flow.running, flow.finished)
        return _with_boots(first, seen.boots)
    if flow.sampled_at > learned.sampled_at:
        learned = _after(learned, flow, flow.sampled_at - learned.sampled_at)
    if seen.boots and (learned.booted_at is None or seen.boots[-1].ready_at > learned.booted_at):
        learned = _with_boots(learned, seen.boots)
    return learned


def known(learned: Learned | None, seen: Seen) -> Known | None:
    """The estimates, or None while there are none: no sample, an old one, too few finishes, nothing that takes time."""
    if learned is None or seen.flow is None or seen.at - learned.sampled_at > STALE_SECONDS:
        return None
    if learned.seconds < FEWEST_SECONDS or learned.held <= 0 or learned.done * SERVICE_SECONDS < FEWEST_FINISHED:
        return None
    # Index of dispersion: 1 for Poisson arrivals, more for bursts; a mean over tau sees about 2 tau seconds.
    dispersion = max(1.0, learned.noise / learned.mean_rate) if learned.mean_rate > 0 else 1.0
    rate = highest = lowest = 0.0
    for mean, tau in zip(learned.arrivals, RATE_SECONDS, strict=True):
        rate = max(0.0, mean / _weight(learned, tau))
        highest = max(highest, rate)
        lowest = max(lowest, rate - SURE * math.sqrt(dispersion * rate / (2 * min(tau, learned.seconds))))
    weight = _weight(learned, SPREAD_SECONDS)
    return Known(
        in_flight=seen.flow.running + seen.flow.waiting,
        waiting=seen.flow.waiting,
        rate_low=lowest,
        rate=highest,
        rate_mean=rate,
        dispersion=dispersion,
        service_seconds=learned.held / learned.done,
        boot_seconds=sorted(learned.boots)[len(learned.boots) // 2] if learned.boots else 0.0,
        load_mean=learned.load / weight,
        load_deviation=math.sqrt(max(0.0, learned.spread / weight)),
        load_peak=learned.peaks[0][1] if learned.peaks else 0.0,
    )


def moved(learned: Learned, seconds: float) -> Learned:
    """``learned`` after the clock was set by ``seconds``: its times go along, but not those that pods tell."""
    peaks = tuple((at + seconds, load) for at, load in learned.peaks)
    return replace(learned, sampled_at=learned.sampled_at + seconds, peaks=peaks)


def _after(learned: Learned, flow: Flow, seconds: float) -> Learned:
    """With one more sample, ``seconds`` after the last. A counter that began anew, a gap, and requests that vanished
    with their replica are only where to go on from; slots that stand idle do not tell how long a request takes."""
    in_flight, finished = flow.running + flow.waiting, flow.finished - learned.finished
    arrived, odd = finished + in_flight - learned.in_flight, -SKEW - SKEWED * learned.in_flight
    if not 0 <= finished <= MOST_PER_SECOND * seconds or seconds > STALE_SECONDS or arrived < odd:
        return replace(
            learned, sampled_at=flow.sampled_at, in_flight=in_flight, running=flow.running, finished=flow.finished
        )
    rate = arrived / seconds
    watched = learned.seconds + seconds
    service = math.exp(-seconds / SERVICE_SECONDS) if finished or flow.running or learned.running else 1.0
    held = _mixed(learned.held, (flow.running + learned.running) / 2, service)
    done = _mixed(learned.done, finished / seconds, service)
    calm, quick = math.exp(-seconds / NOISE_SECONDS), math.exp(-seconds / LOAD_SECONDS)
    differed = (rate - learned.last[0]) ** 2 / (1 / seconds + 1 / learned.last[1]) if learned.last[1] else 0.0
    burst = _mixed(learned.burst, rate, quick)
    now = flow.running  # until it is known how long a request takes: at least that
    if done * SERVICE_SECONDS >= FEWEST_FINISHED:
        now = max(0.0, burst / (1 - math.exp(-watched / LOAD_SECONDS)) * held / done)
    slow = math.exp(-seconds / SPREAD_SECONDS)
    load = _mixed(learned.load, now, slow)
    spread = _mixed(learned.spread, (now - load / (1 - math.exp(-watched / SPREAD_SECONDS))) ** 2, slow)
    return Learned(
        sampled_at=flow.sampled_at,
        in_flight=in_flight,
        running=flow.running,
        finished=flow.finished,
        seconds=watched,
        arrivals=(
            _mixed(learned.arrivals[0], rate, math.exp(-seconds / RATE_SECONDS[0])),
            _mixed(learned.arrivals[1], rate, math.exp(-seconds / RATE_SECONDS[1])),
            _mixed(learned.arrivals[2], rate, math.exp(-seconds / RATE_SECONDS[2])),
        ),
        held=held,
        done=done,
        last=(rate, seconds),
        noise=_mixed(learned.noise, differed, calm),
        mean_rate=_mixed(learned.mean_rate, rate, calm),
        burst=burst,
        load=load,
        spread=spread,
        peaks=_with_peak(learned.peaks, flow.sampled_at, now),
        boots=learned.boots,
        booted_at=learned.booted_at,
    )


def _mixed(mean: float, value: float, kept: float) -> float:
    return mean * kept + value * (1 - kept)


def _weight(learned: Learned, tau: float) -> float:
    return 1 - math.exp(-max(learned.seconds, 1e-3) / tau)


def _with_peak(peaks: tuple[tuple[float, float], ...], at: float, load: float) -> tuple[tuple[float, float], ...]:
    """The falling maxima with one more; within a minute the highest alone stays, as late as the newest."""
    kept = [peak for peak in peaks if at - peak[0] < SPREAD_SECONDS]
    while kept and kept[-1][1] <= load:
        kept.pop()
    if kept and kept[-1][0] // PEAK_BUCKET_SECONDS == at // PEAK_BUCKET_SECONDS:
        return (*kept[:-1], (at, kept[-1][1]))
    return (*kept, (at, load))


def _with_boots(learned: Learned, boots: tuple[Boot, ...]) -> Learned:
    """With the cold starts that ended since the last one it knows."""
    since = -math.inf if learned.booted_at is None else learned.booted_at
    new = [boot for boot in boots if boot.ready_at > since and boot.seconds <= LONGEST_BOOT_SECONDS]
    if not new:
        return learned
    seconds = (*learned.boots, *(boot.seconds for boot in new))[-BOOTS:]
    return replace(learned, boots=seconds, booted_at=max(boot.ready_at for boot in new))
