"""A control plane of our own: started, stopped and broken part by part.

Sequence of a start: claim a range, write certificates and kubeconfigs, etcd, API server (the slow one, 4 to 6 s), then
everything else at once. Whatever ends a start half way (an error, Ctrl-C) ends what was started.
"""

import shutil
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import requests

from dev.cluster import prometheus
from dev.cluster.certificates import Authority, signing_key
from dev.cluster.client import environment
from dev.cluster.components import command
from dev.cluster.errors import ClusterError
from dev.cluster.handle import Cluster
from dev.cluster.kubeconfig import by_certificate, connection, write_user
from dev.cluster.layout import (
    API_SERVER,
    CONTROLLER_MANAGER,
    ETCD,
    KWOK,
    PROMETHEUS,
    SCHEDULER,
    START_ORDER,
    Layout,
    Tuning,
)
from dev.cluster.process import Process, Spawner, uninterrupted
from dev.cluster.prometheus import StaticJob
from dev.cluster.ranges import ADDRESS, Claim, claim_range
from dev.cluster.waiting import wait_until
from dev.paths import state_directory

PROBE_SECONDS: Final = 2.0
PATIENCE_SECONDS: Final = 5.0
"""What a component gets to end by itself; its data does not outlive the cluster, so nothing is lost by killing it."""
TOKEN_HOURS: Final = 240

IDENTITIES: Final[Mapping[str, tuple[str, str | None]]] = {
    "admin": ("local:admin", "system:masters"),
    CONTROLLER_MANAGER: ("system:kube-controller-manager", None),
    SCHEDULER: ("system:kube-scheduler", None),
    KWOK: ("local:kwok", "system:masters"),
}
"""Who uses a client certificate, as which user of which group. The audit policy names the users."""


class LocalCluster(Cluster):
    """A running control plane with fake nodes and Prometheus. Make one with ``start``; it is a context manager."""

    def __init__(
        self, layout: Layout, spawner: Spawner, claim: Claim | None, processes: Sequence[Process] = ()
    ) -> None:
        super().__init__(layout.kubeconfig(), layout.tools, layout.directory)
        self.layout = layout
        self._spawner = spawner
        self._claim = claim
        self._processes = {process.name: process for process in processes}

    @classmethod
    def start(
        cls,
        tools: Mapping[str, Path],
        *,
        tuning: Tuning | None = None,
        tethered: bool = True,
        report: Callable[[str], None] = lambda _: None,
    ) -> Self:
        """A cluster ready for use; raises ClusterError with a component's log when one does not start.

        ``tethered``: it dies with this process. Otherwise it goes on until somebody stops it. ``report`` is told each
        step in a few words.
        """
        claim = claim_range()
        directory = state_directory() / "clusters" / str(claim.addresses.number)
        # Whoever used the number before is gone, or we would not have it: what is left there are logs.
        shutil.rmtree(directory, ignore_errors=True)
        layout = Layout(directory, claim.addresses, tools, tuning or Tuning())
        cluster = cls(layout, Spawner(tethered=tethered), claim)
        try:
            cluster._start(report)
        except BaseException:
            cluster.stop()
            raise
        return cluster

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def processes(self) -> Mapping[str, Process]:
        """The components that were started and not stopped since, by name."""
        return dict(self._processes)

    @property
    def prometheus_url(self) -> str:
        """URL of Prometheus."""
        return self.layout.prometheus_url

    @property
    def audit_log(self) -> Path:
        """The API server's audit log, a JSON object a line; older ones lie beside it."""
        return self.layout.audit_log

    def log(self, component: str) -> Path:
        """What a component printed."""
        return self.layout.log(component)

    def engine_address(self, pod_ip: str) -> str:
        """127.N.x.y for a pod at 10.N.x.y: EndpointSlices refuse loopback addresses, engines have no others."""
        return "127." + pod_ip.removeprefix("10.")

    def stop(self) -> None:
        """End every component, the last started first; stopping twice is fine. Logs stay until the number is reused."""
        with uninterrupted(), ExitStack() as steps:  # every step is taken, whatever becomes of the others
            for data in (ETCD, PROMETHEUS):
                steps.callback(shutil.rmtree, self.layout.directory / data, ignore_errors=True)
            if self._claim is not None:
                steps.callback(self._claim.release)
            steps.callback(self._spawner.close)
            for component in START_ORDER:
                steps.callback(self.stop_component, component)

    def stop_component(self, component: str, *, kill: bool = False) -> None:
        """End one component (with ``kill``: by SIGKILL, as a crash would); one that does not run is fine."""
        process = self._processes.pop(component, None)
        if process is not None:
            process.stop(patience_seconds=0 if kill else PATIENCE_SECONDS)

    def is_ready(self, component: str) -> bool:
        """Whether the component runs and says that it is ready."""
        process = self._processes.get(component)
        return (
            process is not None and process.is_alive and _answers(self.layout.health(component), self.layout.authority)
        )

    def start_component(self, component: str) -> None:
        """Start one component that does not run and wait until it is ready; same address, same data as before."""
        self._launch(component)
        self._await_ready(component)

    def restart(self, component: str, *, kill: bool = False) -> None:
        """Stop and start one component; returns when it is ready again."""
        self.stop_component(component, kill=kill)
        self.start_component(component)

    def reload_prometheus(self, extra: Sequence[StaticJob] = ()) -> None:
        """Have Prometheus scrape the engines and ``extra`` from now on, nothing else."""
        prometheus.reload(self.layout, extra)

    def _start(self, report: Callable[[str], None]) -> None:
        _prepare(self.layout)
        self._launch(ETCD)
        self._launch(API_SERVER)
        report("starting etcd and the API server")
        self._await_ready(ETCD)
        self._await_ready(API_SERVER)
        report("starting the controller manager, the scheduler, kwok and Prometheus")
        for component in (CONTROLLER_MANAGER, SCHEDULER, KWOK):
            self._launch(component)
        self._admit_prometheus()
        self._launch(PROMETHEUS)
        for component in (CONTROLLER_MANAGER, SCHEDULER, KWOK, PROMETHEUS):
            self._await_ready(component)
        self._await_accounts()

    def _launch(self, component: str) -> None:
        if component in self._processes:
            raise ClusterError(f"{component} runs already")
        self._processes[component] = self._spawner.start(
            component,
            command(component, self.layout),
            log=self.layout.log(component),
            environment=environment(self.layout.directory),
            directory=self.layout.directory,
            inherit=[self._claim.lock.fileno()] if self._claim is not None else [],
        )

    def _await_ready(self, component: str) -> None:
        process = self._processes[component]
        deadline = self.layout.tuning.start_deadline_seconds

        def ready() -> bool:
            process.must_live()
            return _answers(self.layout.health(component), self.layout.authority)

        if not wait_until(ready, timeout_seconds=deadline):
            raise ClusterError(f"{component} is not ready after {deadline:.0f} s; {process.tail()}")

    def _admit_prometheus(self) -> None:
        self.client.create(prometheus.access())
        token = self.client.token(prometheus.NAMESPACE, prometheus.ACCOUNT, hours=TOKEN_HOURS)
        path = Path(prometheus.token_path(self.layout))
        path.touch(mode=0o600)
        path.write_text(token)
        prometheus.write_configuration(self.layout)

    def _await_accounts(self) -> None:
        """Wait for the account that pods without one run under: without it the API server refuses them."""
        self.client.kubectl("wait", "--for=create", "serviceaccount/default", "--namespace=default", "--timeout=30s")


def _prepare(layout: Layout) -> None:
    """Directories, certificates and kubeconfigs of a cluster that starts."""
    layout.certificates.mkdir(parents=True, mode=0o700)
    layout.audit_log.parent.mkdir()
    authority = Authority(layout.certificates)
    signing_key(layout.certificates)
    names = ("localhost", "kubernetes.default.svc", ADDRESS, layout.addresses.service_of_the_api)
    authority.server("server", hosts=names)
    for who, (user, group) in IDENTITIES.items():
        pair = authority.client(who, user=user, group=group)
        write_user(layout.kubeconfig(who), connection(layout.server, layout.authority), by_certificate(pair))


def _answers(url: str, authority: Path) -> bool:
    with requests.Session() as session:
        session.trust_env = False  # neither a proxy nor somebody's CA bundle
        try:
            return session.get(url, timeout=PROBE_SECONDS, verify=str(authority)).ok
        except requests.RequestException:
            return False
