"""A metric that only exists because a test says so, scraped by the cluster's Prometheus."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from prometheus_client import CollectorRegistry, Gauge, start_http_server

from dev.cluster.local import LocalCluster
from dev.cluster.prometheus import StaticJob

METRIC: Final = "waiting_outside"


@dataclass(frozen=True, slots=True)
class OutsideQueue:
    """Requests that wait outside the engines, by the name of a serving, as a gateway would count them."""

    gauge: Gauge

    def signal(self, serving: str, target: float = 10) -> dict[str, object]:
        """The signal that reads one serving's queue; without a series the query has no result."""
        query = f'sum({METRIC}{{serving="{serving}"}})'
        return {"type": "Prometheus", "name": "Queue", "query": query, "target": target, "intervalSeconds": 1}

    def holds(self, serving: str, requests: float) -> None:
        """So many requests wait, from the next scrape on."""
        self.gauge.labels(serving).set(requests)

    def forget(self, serving: str) -> None:
        """No series any more."""
        self.gauge.remove(serving)


@contextmanager
def outside_queue(cluster: LocalCluster) -> Iterator[OutsideQueue]:
    """The queue, scraped every second while the context lasts."""
    registry = CollectorRegistry()
    gauge = Gauge(METRIC, "Requests that wait outside the engines.", ("serving",), registry=registry)
    server, thread = start_http_server(0, "127.0.0.1", registry)
    try:
        cluster.reload_prometheus([StaticJob("outside", (f"127.0.0.1:{server.server_port}",))])
        yield OutsideQueue(gauge)
    finally:
        cluster.reload_prometheus()
        server.shutdown()
        server.server_close()
        thread.join()
