"""The state of a serving in one sentence: what is, then the one thing that stands in the way. Pure.

Each moment is a function that returns its sentence or nothing; the first that speaks is the summary.
"""

import re
from collections.abc import Sequence
from typing import Final

from elastic_serving.api.models import FallbackBehavior, Mode, Paused
from elastic_serving.api.status import DecisionStatus
from elastic_serving.api.times import clock, epoch
from elastic_serving.report.account import Account
from elastic_serving.scaling.model import Failure, Phase, Replica, SignalOutcome, TroubleKind
from elastic_serving.scaling.retries import is_given_up, next_attempt_at

LONGEST: Final = 1024
"""The CRD's limit for a sentence."""

_QUOTA: Final = re.compile(r"exceeded quota: (?P<quota>[^,]+), .*limited: (?P<limit>.+)")
"""The end of quota admission's sentence: ``exceeded quota: q, requested: r=1, used: r=4, limited: r=4``."""
_INVALID: Final = re.compile(r'^Pod "[^"]*" is invalid: ')


def summary_of(account: Account, change: DecisionStatus | None) -> str:
    """One sentence, or two where something stands in the way; ``change`` is the last change of desired."""
    for moment in (_refused, _blocked, _all_missing, _quota, _advised, _given_up, _made_anew):
        if sentence := moment(account):
            break
    else:
        sentence = _at_zero(account, change) or f"{progress(account)}."
    return cut(" ".join((sentence, *notes(account))))


def progress(account: Account) -> str:
    """``3 of 5 replicas serve; 2 start``, without the full stop; what is refused is not said to be under way."""
    ready, desired = len(account.serving_now), account.decision.desired
    if ready > desired:
        parts = [f"{_replicas(ready)} {_verb(ready, 'serve')}, {desired} wanted"]
    else:
        parts = [f"{ready} of {_replicas(desired)} {_verb(desired, 'serve')}"]
    old = sum(r.revision != account.seen.inventory.revision for r in account.serving_now)
    if old and not refusal_sentence(account):
        parts.append(f"{old} of an older revision {'is' if old == 1 else 'are'} being replaced")
    stuck = [r for r in account.starting if blame_of(r)]
    started = len(account.starting) - len(stuck)
    if started:
        parts.append(f"{started} {_verb(started, 'start')}")
    if stuck:
        parts.append(f"{len(stuck)} {_verb(len(stuck), 'wait')}: {blame_of(stuck[0])}")
    if account.draining:
        parts.append(f"{len(account.draining)} {_verb(len(account.draining), 'drain')}")
    return "; ".join(parts)


def notes(account: Account) -> Sequence[str]:
    """What else somebody should know: pause, schedule, a signal missing beside others, pods that are not ours."""
    found = [f"{words}." for tell in (paused_sentence, schedule_sentence, schedule_problem) if (words := tell(account))]
    if account.missing_signals and not account.are_all_missing:
        found.append(f"{missing_sentence(account)}, so nothing is scaled down.")
    if foreign := account.seen.inventory.foreign_pods:
        found.append(f"{foreign_sentence(foreign)}.")
    return found


def paused_sentence(account: Account) -> str:
    """``Scaling up is paused``; empty where nothing is, or where the number is set by hand anyway."""
    scaling = account.serving.spec.scaling
    if scaling.paused is None or scaling.mode is Mode.MANUAL:
        return ""
    return f"Scaling {'up and down' if scaling.paused is Paused.BOTH else scaling.paused.lower()} is paused"


def schedule_sentence(account: Account) -> str:
    """``Schedule office keeps at least 4 until 16:00:00 UTC``; empty where none asks for more than everything else."""
    step = next((step for step in account.decision.steps if step.stage == "schedules"), None)
    return "" if step is None else f"Schedule {step.reason.rpartition(' -> ')[0]}"


def schedule_problem(account: Account) -> str:
    """``Schedule night is ignored: start "0 8 31 2 *" never comes``; empty where every schedule opens one day."""
    for schedule in account.serving.spec.scaling.schedules:
        if schedule.problem:
            return f"Schedule {schedule.name} is ignored: {schedule.problem}"
    return ""


def missing_sentence(account: Account) -> str:
    """``Prometheus has no answer for Concurrency since 04:48:02 (connection refused)``."""
    signals = account.missing_signals
    names = " and ".join(signal.name for signal in signals)
    times = [s.missing.since for s in signals if s.missing is not None and s.missing.since is not None]
    since = min(times) if times else account.missing_since
    when = "" if since is None else f" since {clock(since, account.now)}"
    return f"Prometheus has no answer for {names}{when} ({_reason(signals[0])})"


def foreign_sentence(pods: Sequence[str]) -> str:
    """``Pod x carries the serving's labels and is not its own: not counted, not touched``."""
    if len(pods) == 1:
        return f"Pod {pods[0]} carries the serving's labels and is not its own: not counted, not touched"
    shown = ", ".join(pods[:3]) + (", ..." if len(pods) > 3 else "")
    return f"{len(pods)} pods carry the serving's labels and are not its own: not counted, not touched ({shown})"


def refusal_sentence(account: Account) -> str:
    """The API server's own words about the template, without the pod's name; empty if it has none."""
    refused = account.troubles(TroubleKind.REFUSED)
    return _INVALID.sub("", refused[0].sentence).rstrip(".") if refused else ""


def quota_sentence(account: Account) -> str:
    """``Desired 6, limited to 4 by ResourceQuota team-a (requests.nvidia.com/gpu 4)``; empty without such a trouble."""
    troubles = account.troubles(TroubleKind.QUOTA)
    if not troubles:
        return ""
    desired, there = account.decision.desired, len(account.live)
    found = _QUOTA.search(troubles[0].sentence)
    if found is None:
        return f"Desired {desired}, limited to {there}: {troubles[0].sentence}"
    limit = found["limit"].replace("=", " ")
    return f"Desired {desired}, limited to {there} by ResourceQuota {found['quota']} ({limit})"


def blame_of(replica: Replica) -> str:
    """What keeps a starting replica from its node or its container, in the cluster's words; empty if nothing does."""
    for host in replica.hosts:
        if host.blame and host.phase in (Phase.PROVISIONING, Phase.PULLING):
            return f"{host.node}: {host.blame}" if host.node else host.blame
    return ""


def broken(account: Account) -> Failure | None:
    """The latest failure of a replica that has not served since; None if all have, or none is missing any more."""
    return max(_broken(account), key=lambda failure: failure.at, default=None)


def _broken(account: Account) -> list[Failure]:
    ready = {replica.index for replica in account.serving_now}
    revision = account.seen.inventory.revision
    if len(ready) >= account.decision.desired:
        return []
    return [f for f in account.seen.inventory.failures if f.revision == revision and f.place not in ready]


def cut(sentence: str) -> str:
    """``sentence`` within the CRD's limit; what was cut off is marked."""
    return sentence if len(sentence) <= LONGEST else sentence[: LONGEST - 1] + "…"


def _refused(account: Account) -> str:
    if not (words := refusal_sentence(account)):
        return ""
    still = f" {progress(account)}." if account.live else ""
    return f"The template is refused by the API server: {words}. Nothing was changed.{still}"


def _blocked(account: Account) -> str:
    troubles = account.troubles(TroubleKind.FORBIDDEN, TroubleKind.FOREIGN)
    words = [trouble.sentence for trouble in troubles] + list(account.beside)
    return f"{progress(account)}. Blocked: {words[0].rstrip('.')}." if words else ""


def _all_missing(account: Account) -> str:
    if not account.are_all_missing or account.mode is Mode.MANUAL:
        return ""
    decision, fallback = account.decision, account.serving.spec.scaling.fallback
    if decision.why == "Fallback":
        return f"Fallback to {_replicas(decision.desired)}: {missing_sentence(account)}; {progress(account)}."
    then = ""
    if fallback is not None and decision.fallback_at is not None:
        words = {
            FallbackBehavior.STATIC: f"to {fallback.replicas}",
            FallbackBehavior.CURRENT: "to what is there",
            FallbackBehavior.IF_HIGHER: f"to {fallback.replicas} or more",
            FallbackBehavior.IF_LOWER: f"to {fallback.replicas} or fewer",
        }
        then = f"; fallback {words[fallback.behavior]} at {clock(decision.fallback_at, account.now)}"
    return f"Holding {_replicas(decision.desired)}: {missing_sentence(account)}{then}."


def _quota(account: Account) -> str:
    return f"{words}." if (words := quota_sentence(account)) else ""


def _advised(account: Account) -> str:
    if account.mode is not Mode.ADVISE:
        return ""
    ready = len(account.serving_now)
    return f"Advises {_replicas(account.decision.desired)} and touches nothing; {ready} {_verb(ready, 'serve')}."


def _given_up(account: Account) -> str:
    """The plan's own words about a replica that is not tried again now."""
    if not account.plan.waits or broken(account) is None:
        return ""
    wait = account.plan.waits[0].rstrip(".")
    startup = account.serving.spec.startup
    tries = [next_attempt_at(f) for f in _broken(account) if not is_given_up(f, startup)]
    then = f"; next try {clock(min(tries), account.now)}" if tries else ""
    return f"{progress(account)}. {wait[0].upper()}{wait[1:]}{then}."


def _made_anew(account: Account) -> str:
    failure = broken(account)
    if failure is None:
        return ""
    ready = len(account.serving_now)
    others = f"; the other {ready} {_verb(ready, 'serve')}" if ready else ""
    when = clock(failure.at, account.now)
    return f"Replica {failure.index} is being made anew: {failure.reason.rstrip('.')}, at {when}{others}."


def _at_zero(account: Account, change: DecisionStatus | None) -> str:
    if account.decision.desired > 0 or account.live:
        return ""
    spec = account.serving.spec
    if account.mode is Mode.MANUAL:
        why = " (spec.replicas 0)"
    elif change is not None and change.reason == "Manual":
        why = " (set by hand)"
    else:
        why = f" (idle {spec.scaling.idle.timeout_seconds} s)" if spec.scaling.idle else ""
    since = f" since {clock(epoch(change.time), account.now)}" if change is not None and change.to == 0 else ""
    return f"At zero{since}{why}."


def _reason(signal: SignalOutcome) -> str:
    return signal.missing.reason.rstrip(".") if signal.missing is not None else ""


def _replicas(number: int) -> str:
    return f"{number} replica" if number == 1 else f"{number} replicas"


def _verb(number: int, verb: str) -> str:
    return f"{verb}s" if number == 1 else verb
