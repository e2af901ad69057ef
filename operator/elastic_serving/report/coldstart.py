"""The phases of a replica's cold start, read from its hosts' timestamps. Pure."""

from elastic_serving.scaling.model import Replica


def cold_start_phases(replica: Replica) -> dict[str, float]:
    """Seconds the slowest host spent in each phase: provision, pull, load; empty while any time is unknown."""
    hosts = replica.hosts
    if not hosts:
        return {}
    phases = {"provision": 0.0, "pull": 0.0, "load": 0.0}
    for host in hosts:
        if host.provisioned_at is None or host.pulled_at is None or host.ready_at is None:
            return {}
        phases["provision"] = max(phases["provision"], host.provisioned_at - host.created_at)
        phases["pull"] = max(phases["pull"], host.pulled_at - host.provisioned_at)
        phases["load"] = max(phases["load"], host.ready_at - host.pulled_at)
    return phases
