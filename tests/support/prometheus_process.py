"""A real Prometheus that scrapes pages a test writes: for the catalogue's queries and the age of samples."""

import contextlib
import os
import socket
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import requests
import yaml

from dev.cluster.process import Process, Spawner
from dev.cluster.waiting import wait_until
from tests.support.prometheus_server import LOOPBACK, Reply, StandIn, send, stand_in

SCRAPE_SECONDS: Final = 0.2
START_SECONDS: Final = 30.0


@dataclass(frozen=True, slots=True)
class Target:
    """A leader as the engines' scrape job labels it."""

    serving: str
    replica: str
    page: StandIn
    namespace: str = "team-a"


@dataclass(slots=True)
class RealPrometheus:
    """A running Prometheus; ``stop`` freezes nothing, it ends it. Its data is the test's directory."""

    url: str
    process: Process

    def instant(self, promql: str) -> list[dict[str, object]]:
        """``data.result`` of an instant query, straight from the API."""
        with requests.Session() as session:
            session.trust_env = False
            answer = session.get(f"{self.url}/api/v1/query", params={"query": promql}, timeout=5)
        result: list[dict[str, object]] = answer.json()["data"]["result"]
        return result

    def has(self, promql: str) -> bool:
        return bool(self.instant(promql))

    def await_series(self, promql: str, timeout_seconds: float = 15.0) -> None:
        """Until ``promql`` has a result."""
        assert wait_until(lambda: self.has(promql), timeout_seconds=timeout_seconds), f"{promql} has no result"


@contextlib.contextmanager
def page(text: str) -> Iterator[StandIn]:
    """A static exposition; assign ``reply`` to change it."""
    with stand_in(exposition(text)) as server:
        yield server


def exposition(text: str) -> Reply:
    return send(200, text, "text/plain; version=0.0.4")


@contextlib.contextmanager
def real_prometheus(tools: Mapping[str, Path], directory: Path, *targets: Target) -> Iterator[RealPrometheus]:
    """A Prometheus of ``tools`` that scrapes ``targets`` five times a second."""
    with socket.create_server((LOOPBACK, 0)) as free:
        port = free.getsockname()[1]
    configuration = directory / "prometheus.yaml"
    configuration.write_text(yaml.safe_dump(_configuration(targets)))
    command = [
        str(tools["prometheus"]),
        f"--config.file={configuration}",
        f"--storage.tsdb.path={directory / 'data'}",
        f"--web.listen-address={LOOPBACK}:{port}",
        "--scrape.discovery-reload-interval=1s",  # 5 s by default before the first scrape
    ]
    spawner = Spawner(tethered=True)
    environment = {"PATH": os.environ["PATH"], "HOME": str(directory)}
    process = spawner.start("prometheus", command, log=directory / "log", environment=environment, directory=directory)
    started = RealPrometheus(f"http://{LOOPBACK}:{port}", process)
    try:
        assert wait_until(lambda: _is_ready(started), timeout_seconds=START_SECONDS), process.tail()
        yield started
    finally:
        process.stop(patience_seconds=5)


def _is_ready(prometheus: RealPrometheus) -> bool:
    prometheus.process.must_live()
    with requests.Session() as session:
        session.trust_env = False
        try:
            return session.get(f"{prometheus.url}/-/ready", timeout=2).ok
        except requests.RequestException:
            return False


def _configuration(targets: tuple[Target, ...]) -> dict[str, object]:
    interval = f"{round(SCRAPE_SECONDS * 1000)}ms"
    statics = [
        {
            "targets": [target.page.url.removeprefix("http://")],
            "labels": {
                "namespace": target.namespace,
                "elasticserving": target.serving,
                "es_replica": target.replica,
            },
        }
        for target in targets
    ]
    return {
        "global": {"scrape_interval": interval, "scrape_timeout": interval},
        "scrape_configs": [{"job_name": "engines", "static_configs": statics}],
    }
