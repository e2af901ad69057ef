"""The replicas of a serving as sentences, one a line, in columns that line up. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from elastic_serving.api.status import MAX_REPLICA_SENTENCES
from elastic_serving.api.times import clock
from elastic_serving.scaling.model import Host, Phase, Replica, Role

_PHASES = {
    Phase.PROVISIONING: "provisioning",
    Phase.PULLING: "pulling the image",
    Phase.LOADING: "loading the model",
}
_WORDS_PER_SENTENCE = 1000
"""The CRD allows 1,024 characters; a scheduler's sentence about many nodes can be longer."""


@dataclass(frozen=True, slots=True)
class _Row:
    """``rank`` orders: what needs a look first."""

    rank: int
    index: int
    state: str
    place: str
    text: str


def replica_sentences(replicas: Sequence[Replica], revision: str, now: float) -> tuple[str, ...]:
    """One sentence for each replica: index, state, node, since when, and what it waits for or died of.

    Failed ones first, then those that start, drain, end, then those that serve, each by index; at most 50, the last
    line then says how many more there are.
    """
    rows = sorted((_row(r, revision, now) for r in replicas), key=lambda row: (row.rank, row.index))
    more = len(rows) - MAX_REPLICA_SENTENCES
    shown = rows if more <= 0 else rows[: MAX_REPLICA_SENTENCES - 1]
    widths = [max((len(text) for text in column), default=0) for column in zip(*map(_columns, shown), strict=True)]
    lines = ["  ".join(text.ljust(width) for text, width in zip(_columns(r), widths, strict=True)) + f"  {r.text}"
             for r in shown]  # fmt: skip
    if more > 0:
        lines.append(f"and {more + 1} more")
    return tuple(line[:_WORDS_PER_SENTENCE].rstrip() for line in lines)


def _columns(row: _Row) -> tuple[str, str, str]:
    return str(row.index), row.state, row.place


def _row(replica: Replica, revision: str, now: float) -> _Row:
    place = _place(replica)
    if replica.is_terminating:
        return _Row(3, replica.index, "ending", place, "its pods are being deleted")
    host = slowest(replica)
    if replica.phase in (Phase.FAILED, Phase.FINISHED):
        return _Row(0, replica.index, "failed", place, _ended(replica, host, now))
    old = "" if replica.revision == revision or not revision else ", of an older revision"
    if replica.role is Role.DRAINING:
        return _Row(2, replica.index, "draining", place, _draining(replica, now) + old)
    if not replica.is_ready:
        return _Row(1, replica.index, "starting", place, _starting(replica, host, now) + old)
    since = max((h.ready_at for h in replica.hosts if h.ready_at is not None), default=None)
    return _Row(4, replica.index, "serving", place, (f"since {clock(since, now)}" if since else "serves") + old)


def slowest(replica: Replica) -> Host | None:
    """The host that holds the replica in its phase: the first one there in rank order."""
    return next((host for host in replica.hosts if host.phase is replica.phase), None)


def _place(replica: Replica) -> str:
    nodes = [host.node for host in replica.hosts if host.node]
    if not nodes:
        return "no node yet"
    return nodes[0] if len(nodes) == 1 else f"{nodes[0]} +{len(nodes) - 1}"


def _starting(replica: Replica, host: Host | None, now: float) -> str:
    if len(replica.hosts) < replica.size:
        return f"{len(replica.hosts)} of {replica.size} hosts exist"
    if host is None:
        return "waiting"
    text = f"{_PHASES.get(host.phase, host.phase.value)} since {clock(host.phase_since, now)}"
    who = f"host {host.rank} of {replica.size} " if replica.size > 1 else ""
    return f"{who}{text}: {host.blame}" if host.blame else f"{who}{text}"


def _draining(replica: Replica, now: float) -> str:
    since = f"since {clock(replica.draining_since, now)}" if replica.draining_since is not None else "since just now"
    if replica.in_flight is None or replica.in_flight_at is None:
        return f"{since}, in flight not known yet"
    if replica.draining_since is not None and replica.in_flight_at <= replica.draining_since:
        return f"{since}, in flight not known yet"
    return f"{since}, {replica.in_flight:g} in flight"


def _ended(replica: Replica, host: Host | None, now: float) -> str:
    if host is None:
        return "ended"
    if host.phase is Phase.FINISHED:
        return f"its leader exited with code 0 at {clock(host.phase_since, now)}"
    who = f"host {host.rank} of {replica.size}"
    return f"{who} failed at {clock(host.phase_since, now)}" + (f": {host.blame}" if host.blame else "")
