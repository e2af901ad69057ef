"""Starts the fleet's process and talks to its control endpoint: for tests, benchmarks and the demo."""

import contextlib
import json
import os
import selectors
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final, Self

import requests

_START_SECONDS: Final = 30.0
_STOP_SECONDS: Final = 10.0
_CALL_SECONDS: Final = 10.0
_ROOT: Final = Path(__file__).resolve().parents[2]


class FleetFailed(RuntimeError):
    """The process ended or refused a call; the message carries its own words."""


class EngineFleet:
    """The fleet as a context manager: up when entered, its process gone when left.

    ``namespaces`` None serves all, else these and those that ``follow`` adds later. ``options`` are those of
    ``python -m dev.engines`` in snake_case (``load_seconds=0.2``). What the process logs goes to ``log``, else to our
    stderr. The calls block for milliseconds; from a coroutine use ``asyncio.to_thread`` where that matters.
    """

    def __init__(
        self,
        kubeconfig: Path,
        *,
        pod_range: str,
        namespaces: Sequence[str] | None = None,
        log: Path | None = None,
        **options: float | str,
    ) -> None:
        own: dict[str, float | str] = {"kubeconfig": str(kubeconfig), "pod_range": pod_range, "parent_pid": os.getpid()}
        if namespaces is not None:
            own["namespaces"] = ",".join(namespaces)
        self._options = {**own, **options}
        self._log = log
        self._process: subprocess.Popen[bytes] | None = None
        self._url = ""

    def __enter__(self) -> Self:
        arguments = [f"--{name.replace('_', '-')}={value}" for name, value in self._options.items()]
        command = [sys.executable, "-m", "dev.engines", *arguments]
        with self._log.open("ab") if self._log else contextlib.nullcontext() as log:
            self._process = subprocess.Popen(command, cwd=_ROOT, stdout=subprocess.PIPE, stderr=log)
        try:
            self._url = json.loads(self._first_line())["control"]
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def pid(self) -> int:
        """Of the running process."""
        return self._running().pid

    def stop(self) -> None:
        """SIGTERM, then SIGKILL after 10 s. The pods stay as they are; nobody serves them."""
        process, self._process = self._process, None
        if process is None:
            return
        with process:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(_STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()

    def engines(self, namespace: str | None = None) -> list[dict[str, Any]]:
        """Every engine with its address, state, truth of running and waiting, fault and pin."""
        found: list[dict[str, Any]] = self._call("GET", "/engines")
        return [engine for engine in found if namespace in (None, engine["namespace"])]

    def fault(self, namespace: str, pod: str, fault: str, *, factor: float = 10.0) -> None:
        """none, hang, slow, error500, unhealthy, wrong_metrics, nan_metrics, html_metrics, crash (1) or exit (0)."""
        self._call("POST", f"/faults/{namespace}/{pod}", {"fault": fault, "factor": factor})

    def pin(self, namespace: str, pod: str, *, running: float | None = None, waiting: float | None = None) -> None:
        """Let the load gauges show these numbers; None shows the truth. Kept by name, also for a pod to come."""
        self._call("PUT", f"/pins/{namespace}/{pod}", {"running": running, "waiting": waiting})

    def unpin(self, namespace: str, pod: str) -> None:
        """The truth again."""
        self._call("DELETE", f"/pins/{namespace}/{pod}")

    def follow(self, namespace: str) -> None:
        """Serve this namespace too; its present pods are known on return. Without effect where all are served."""
        self._call("PUT", f"/namespaces/{namespace}")

    def leave(self, namespace: str) -> None:
        """Kill the engines of a namespace that ``follow`` or ``namespaces`` named; its pods stay as they are."""
        self._call("DELETE", f"/namespaces/{namespace}")

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            raise FleetFailed("the engine fleet is not running")
        return self._process

    def _first_line(self) -> bytes:
        """What the process says once it is up; FleetFailed if it says nothing within 30 s or ends before."""
        process = self._running()
        assert process.stdout is not None
        with selectors.DefaultSelector() as selector:
            selector.register(process.stdout, selectors.EVENT_READ)
            line = process.stdout.readline() if selector.select(_START_SECONDS) else b""
        if not line:
            where = f"; see {self._log}" if self._log else ""
            raise FleetFailed(
                f"the engine fleet said nothing within {_START_SECONDS:g} s, exit {process.poll()}{where}"
            )
        return line

    def _call(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        answer = requests.request(method, self._url + path, json=body, timeout=_CALL_SECONDS)
        if answer.status_code >= 400:
            raise FleetFailed(f"{method} {path}: {answer.json()['error']}")
        return answer.json()
