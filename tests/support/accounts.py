"""Passes worth telling, built from a few words: a serving, its replicas, its signals and a decision, on one morning."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from elastic_serving.report.account import Account
from elastic_serving.scaling.learn import Known
from elastic_serving.scaling.model import (
    Decision,
    Failure,
    Flow,
    Inventory,
    Missing,
    Outcome,
    Phase,
    Plan,
    Replica,
    ReplicaCounts,
    Seen,
    SignalOutcome,
    Trouble,
)
from tests.support.fleet import replica_of
from tests.support.serving import serving_of


def at(clock: str) -> float:
    """Epoch seconds of a time of 2026-11-22 (UTC): ``at("04:51:30")``."""
    return datetime.fromisoformat(f"2026-11-22T{clock}+00:00").timestamp()


NOW = at("04:52:00")


def serving_since(index: int, clock: str, **fields: Any) -> Replica:
    """A replica that serves since then: its cold start took 29 s, 9 s and 46 s."""
    ready = at(clock)
    times = {
        "created_at": ready - 84,
        "provisioned_at": ready - 55,
        "pulled_at": ready - 46,
        "ready_at": ready,
        "phase_since": ready,
    }
    return replica_of(index, **{**times, "node": f"gpu-node-{'abcdefgh'[index]}", **fields})


def starting_since(index: int, clock: str, phase: Phase, **fields: Any) -> Replica:
    """A replica that is in ``phase`` since then."""
    node = None if phase is Phase.PROVISIONING else f"gpu-node-{'abcdefgh'[index]}"
    return replica_of(index, **{"phase": phase, "phase_since": at(clock), "node": node, **fields})


def concurrency(
    value: float | None = 148, recommendation: int | None = 6, missing: Missing | None = None
) -> SignalOutcome:
    """The signal Concurrency with a target of 28."""
    sampled_at = None if value is None else NOW - 1
    return SignalOutcome("Concurrency", value, 28.0, recommendation, sampled_at, missing)


def decided(current: int, desired: int, **fields: Any) -> Decision:
    """A decision by Concurrency, of this pass."""
    values: dict[str, Any] = {
        "at": NOW,
        "current": current,
        "desired": desired,
        "recommendation": desired,
        "signal": "Concurrency",
        "why": "Concurrency",
        "steps": (),
        "signals": (concurrency(),),
    }
    return Decision(**{**values, **fields})


def account_of(
    *replicas: Replica,
    desired: int,
    spec: Mapping[str, Any] | None = None,
    decision: Decision | None = None,
    inventory: Mapping[str, Any] | None = None,
    troubles: Sequence[Trouble] = (),
    **fields: Any,
) -> Account:
    """A pass at 04:52:00 that found ``replicas`` and leaves ``desired`` as it is, if ``decision`` says nothing."""
    made = decision or decided(desired, desired)
    found = Inventory(**{"at": NOW, "replicas": replicas, "revision": "new", **(inventory or {})})
    ready = sum(replica.is_ready for replica in replicas)
    seen = Seen(NOW, ReplicaCounts(made.current, ready, len(replicas) - ready), (), found)
    values: dict[str, Any] = {"plan": Plan(), "outcome": Outcome((), tuple(troubles)), "now": NOW}
    return Account(serving=serving_of(spec or {}), seen=seen, decision=made, **{**values, **fields})


def queued(account: Account, waiting: float, *, rate: float | None = None, service: float = 6.0) -> Account:
    """``account`` with so much that waits; where a rate is given it is known that requests arrive and take so long."""
    seen = replace(account.seen, flow=Flow(32.0, waiting, 0.0, NOW - 1))
    if rate is None:
        return replace(account, seen=seen)
    known = Known(
        in_flight=32.0 + waiting,
        waiting=waiting,
        rate_low=rate,
        rate=rate,
        rate_mean=rate,
        dispersion=1.0,
        service_seconds=service,
        boot_seconds=0.0,
        load_deviation=0.0,
        load_mean=rate * service,
        load_peak=rate * service,
    )
    return replace(account, seen=seen, known=known)


def failed(index: int, clock: str, reason: str, count: int = 1) -> Failure:
    """A failure of a replica of the present revision."""
    return Failure(index, "new", count, at(clock), reason)
