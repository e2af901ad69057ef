"""The operator as its users run it: the chart installed by Helm, the process under the chart's ServiceAccount.

Fake nodes run no containers, so the Deployment has 0 replicas and the process is started here, with the environment
that the chart's Deployment would give it. Each release serves one namespace: tests side by side share nothing.
"""

import signal
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import IO, Any, TypeAlias

import yaml

from dev.cluster.handle import Cluster
from dev.cluster.waiting import wait_until
from dev.install import COMMAND, Installed, install, uninstall

START_SECONDS = 60.0
STOP_SECONDS = 20.0

Release: TypeAlias = Installed
"""Helm's word for the chart as it is installed."""


@contextmanager
def installed(
    cluster: Cluster, namespace: str, values: Mapping[str, Any] = MappingProxyType({})
) -> Iterator[Installed]:
    """The chart installed into ``namespace``, for that namespace alone; uninstalled afterwards (CRDs stay)."""
    mine = {"watchNamespaces": [namespace], "crds": {"install": False}, **values}
    try:
        yield install(cluster, namespace, mine)
    finally:
        uninstall(cluster, namespace)


@dataclass(slots=True)
class Operator:
    """One process of the operator. ``start`` it, then ``stop``, ``kill`` or ``pause`` it; it may be started again."""

    release: Installed
    home: Path
    settings: Mapping[str, str] = field(default_factory=dict)
    """More settings by field name in lower case; they win over the chart's."""
    identity: str = "operator-0"
    server: str | None = None
    """Another address of the API server (a proxy's), instead of the kubeconfig's."""
    process: "subprocess.Popen[bytes] | None" = None

    @property
    def log(self) -> Path:
        """Everything every process of this operator printed."""
        return self.home / f"{self.identity}.log"

    def start(self, *, wait: bool = True) -> None:
        """Start the process; with ``wait`` until it leads (its log says so). AssertionError with the log's tail."""
        self.home.mkdir(parents=True, exist_ok=True)
        mark = self.log.stat().st_size if self.log.exists() else 0
        output: IO[bytes]
        with self.log.open("ab") as output:
            self.process = subprocess.Popen(COMMAND, env=self._variables(), stdout=output, stderr=output)
        if wait:
            self.await_line('"event": "leading"', since=mark)

    def await_line(self, text: str, *, since: int = 0, timeout: float = START_SECONDS) -> None:
        """Wait until the log beyond byte ``since`` contains ``text``."""

        def there() -> bool:
            assert self.process is not None
            return text in self.log.read_bytes()[since:].decode() or self.process.poll() is not None

        wait_until(there, timeout_seconds=timeout)
        tail = self.log.read_bytes()[since:].decode()
        assert text in tail, f"no {text!r} in {self.log}:\n{tail[-3000:]}"

    def stop(self) -> int:
        """SIGTERM and its exit code; AssertionError where it does not end in time."""
        return self._end(signal.SIGTERM)

    def kill(self) -> None:
        """SIGKILL: no goodbye."""
        self._end(signal.SIGKILL)

    def _end(self, number: signal.Signals) -> int:
        process, self.process = self.process, None
        assert process is not None, "the operator does not run"
        process.send_signal(number)
        try:
            return process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(STOP_SECONDS)
            raise AssertionError(f"the operator did not end within {STOP_SECONDS:g} s of {number.name}") from None

    def _variables(self) -> dict[str, str]:
        own = {"kubeconfig": str(self._kubeconfig()), "log_format": "json", **self.settings}
        return self.release.variables(self.identity, **own)

    def _kubeconfig(self) -> Path:
        if self.server is None:
            return self.release.kubeconfig
        config = yaml.safe_load(self.release.kubeconfig.read_text())
        for entry in config["clusters"]:
            entry["cluster"]["server"] = self.server
        path = self.home / f"{self.identity}.kubeconfig"
        path.write_text(yaml.safe_dump(config))
        path.chmod(0o600)
        return path


@contextmanager
def running(release: Installed, home: Path, **options: object) -> Iterator[Operator]:
    """An operator that leads while the context lasts; killed at the end if a test left it."""
    operator = Operator(release, home, **options)  # type: ignore[arg-type]  # passed through as they are
    operator.start()
    try:
        yield operator
    finally:
        if operator.process is not None:
            operator.kill()
