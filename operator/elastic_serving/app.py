"""The operator as one process: settings in, clients and loops wired, everything ended together."""

import asyncio
import contextlib
import functools
import signal
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Iterator, Sequence

import structlog
from aiohttp import web
from kubernetes.aio.client import ApiClient, Configuration

from elastic_serving import logs
from elastic_serving.act.manifests import EngineDefaults
from elastic_serving.api import labels
from elastic_serving.api.models import VLLM_IMAGE
from elastic_serving.errors import InvalidSpec, NotFound, Transient
from elastic_serving.handlers.cache import Cache, node_essence
from elastic_serving.handlers.echo import EchoingApi
from elastic_serving.handlers.fleet import Fleet
from elastic_serving.handlers.health import Pulse, application
from elastic_serving.handlers.policies import remove_policies
from elastic_serving.handlers.shell import NODES, Shell, Wiring, kinds_of
from elastic_serving.handlers.watch import watch
from elastic_serving.kube.api import Object, Resource
from elastic_serving.kube.client import KubeClient
from elastic_serving.kube.config import load_configuration
from elastic_serving.kube.lease import Term, Watchdog, lead, release
from elastic_serving.observe.prometheus import Prometheus
from elastic_serving.observe.signals import Signals
from elastic_serving.report.counted import CountedApi
from elastic_serving.report.metrics import OperatorMetrics
from elastic_serving.report.record import Recorder
from elastic_serving.report.reporter import Reporter
from elastic_serving.settings import Settings

log = structlog.get_logger(__name__)

CRDS = Resource("apiextensions.k8s.io", "v1", "customresourcedefinitions", namespaced=False)
CRD_NAMES = (f"{labels.PLURAL}.{labels.GROUP}", f"{labels.MEMORY_PLURAL}.{labels.GROUP}")
WATCH_PAUSE_SECONDS = 5.0
"""Between two tries to watch one of several namespaces."""
CRD_ATTEMPTS = 30
"""Times a second apart that the CRDs are looked for: a chart installs them together with the operator."""


async def run(settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT. Raises InvalidSpec where it cannot start, LeaseLost when it must not go on."""
    logs.configure(settings.log_format, settings.log_level)
    log.info("starting", **settings.shown())
    configuration = await load_configuration(settings.kubeconfig)
    metrics = OperatorMetrics()
    pulse = Pulse(started_at=time.monotonic())
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with (
        KubeClient(
            configuration, field_manager=labels.FIELD_MANAGER, timeout_seconds=settings.request_timeout_seconds
        ) as api,
        _health(settings, pulse, metrics),
        _prometheus(settings) as signals,
    ):
        await _established(api)
        kinds = kinds_of(network_policies=settings.network_policy)
        caches = {kind: Cache(trim=node_essence) if kind == NODES else Cache() for kind in kinds}

        def echo(resource: Resource, obj: Object) -> None:
            if resource in caches:
                caches[resource].heard(obj, time.monotonic())

        echoing = EchoingApi(CountedApi(api, metrics.writes), echo)
        shell = Shell(
            api=echoing,
            signals=signals,
            reporter=Reporter(echoing, metrics, settings.status_interval_seconds),
            metrics=metrics,
            wiring=_wiring(settings),
            caches=caches,
            recorder=_recorder(settings),
        )
        fleet = Fleet(
            shell,
            pulse,
            namespaces=settings.watch_namespaces,
            tick_seconds=settings.tick_seconds,
            reconcile_seconds=settings.reconcile_seconds,
        )
        await _until(stop, _work(settings, configuration, fleet, pulse))
    log.info("stopped")


async def _until(stop: asyncio.Event, work: Coroutine[object, object, None]) -> None:
    """Run ``work`` until ``stop`` is set or it fails; its error is raised here."""
    working = asyncio.create_task(work, name="work")
    stopping = asyncio.create_task(stop.wait(), name="stop")
    await asyncio.wait({working, stopping}, return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    if not working.done():
        working.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await working


async def _work(settings: Settings, configuration: Configuration, fleet: Fleet, pulse: Pulse) -> None:
    """Take the Lease, then watch and reconcile; the end of any of them ends all, and then the Lease is given up."""
    leading, term = asyncio.Event(), _term(settings)
    watchdog = Watchdog(settings.lease_renew_seconds)
    watchdog.start()
    async with ApiClient(configuration) as client:
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(lead(term, client, leading, watchdog), name="lease")
                await leading.wait()
                pulse.leading, pulse.started_at = True, time.monotonic()
                fleet.shell.metrics.leader.set(1)
                group.create_task(fleet.run(), name="fleet")
                if not settings.network_policy:
                    policies = remove_policies(fleet.shell.api, settings.watch_namespaces)
                    group.create_task(policies, name="policies")
                for watching in _watches(settings, configuration, fleet):
                    group.create_task(watching, name="watch")
        finally:
            if leading.is_set():
                await release(term, client)
            watchdog.stop()


def _watches(
    settings: Settings, configuration: Configuration, fleet: Fleet
) -> Iterator[Coroutine[object, object, None]]:
    """The watches: all in one, or of several namespaces each for itself, since one of them may be gone."""

    def of(kinds: Iterable[Resource], namespaces: Sequence[str]) -> Coroutine[object, object, None]:
        timeout = settings.request_timeout_seconds
        return watch(tuple(kinds), fleet.heard, configuration, namespaces=namespaces, request_timeout_seconds=timeout)

    kinds, namespaces = tuple(fleet.shell.caches), settings.watch_namespaces
    if len(namespaces) < 2:
        yield _or_end(of(kinds, namespaces))
        return
    yield _or_end(of((kind for kind in kinds if not kind.namespaced), ()))
    namespaced = tuple(kind for kind in kinds if kind.namespaced)
    for name in namespaces:
        yield _again_and_again(name, functools.partial(of, namespaced, (name,)))


async def _or_end(watching: Coroutine[object, object, None]) -> None:
    """Watches without which nothing could go on: their end is Transient, and the process's."""
    try:
        await watching
    except Exception as error:
        raise Transient(f"the watches failed: {error}") from error


async def _again_and_again(namespace: str, watching: Callable[[], Coroutine[object, object, None]]) -> None:
    """The watches of one namespace of several, for ever: while they fail it lives on full lists, if it lives."""
    while True:
        try:
            await watching()
        except Exception as error:  # noqa: BLE001 - whatever it is, the other namespaces go on
            log.warning("watches failed", namespace=namespace, reason=str(error), again_seconds=WATCH_PAUSE_SECONDS)
            await asyncio.sleep(WATCH_PAUSE_SECONDS)


async def _established(api: KubeClient) -> None:
    """Wait until both CRDs are Established; InvalidSpec says what to do where they do not come."""
    missing = ""
    for _ in range(CRD_ATTEMPTS):
        missing = ""
        for name in CRD_NAMES:
            try:
                found = await api.get(CRDS, None, name)
            except NotFound:
                missing = f"the CRD {name} is not installed"
                continue
            conditions = (found.get("status") or {}).get("conditions") or ()
            if not any(c["type"] == "Established" and c["status"] == "True" for c in conditions):
                missing = f"the CRD {name} is not Established"
        if not missing:
            return
        await asyncio.sleep(1)
    raise InvalidSpec(f"{missing}: install the chart with crds.install=true, or apply the files in crds/")


@contextlib.asynccontextmanager
async def _health(settings: Settings, pulse: Pulse, metrics: OperatorMetrics) -> AsyncIterator[None]:
    """The pages of health.py, up for as long as the context is."""
    runner = web.AppRunner(application(pulse, metrics.registry, settings.live_seconds), access_log=None)
    await runner.setup()
    try:
        site = web.TCPSite(runner, settings.http_host, settings.http_port)
        await site.start()
        log.info("listening", address=str(runner.addresses[0]))
        yield
    finally:
        await runner.cleanup()


@contextlib.asynccontextmanager
async def _prometheus(settings: Settings) -> AsyncIterator[Signals]:
    """Signals over two clients: users' heavy queries cannot take the connections of the fleet's."""
    access = settings.prometheus_access
    with contextlib.closing(Prometheus(access)) as fleet, contextlib.closing(Prometheus(access)) as users:
        signals = Signals(fleet, users, stale_after_seconds=settings.stale_seconds)
        try:
            yield signals
        finally:
            await signals.aclose()


def _term(settings: Settings) -> Term:
    return Term(
        name=settings.lease_name,
        namespace=settings.lease_namespace,
        identity=settings.pod_name,
        duration_seconds=settings.lease_duration_seconds,
        renew_seconds=settings.lease_renew_seconds,
        retry_seconds=settings.lease_retry_seconds,
    )


def _wiring(settings: Settings) -> Wiring:
    return Wiring(
        engine=EngineDefaults(settings.engine_image or VLLM_IMAGE, settings.engine_image_pull_secrets),
        allowed_namespaces=settings.network_policy_namespaces if settings.network_policy else None,
    )


def _recorder(settings: Settings) -> Recorder | None:
    if settings.record_directory is None:
        return None
    return Recorder(settings.record_directory, max_bytes=settings.record_max_bytes, files=settings.record_files)
