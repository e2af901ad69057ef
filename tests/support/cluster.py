"""The cluster of the tests: which one it is, clients for it, and the one way to await a condition.

``ES_TEST_KUBECONFIG`` names another cluster; an ambient KUBECONFIG is never looked at.
"""

import asyncio
import contextlib
import inspect
import os
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Final, TypeVar, overload

from kubernetes import client as sync_client
from kubernetes import config as sync_config
from kubernetes.aio import client as aio_client
from kubernetes.aio import config as aio_config

from dev.cluster.errors import ClusterError
from dev.cluster.handle import Cluster, GivenCluster
from dev.cluster.local import LocalCluster
from dev.cluster.nodes import gpu_node
from dev.cluster.waiting import wait_until
from dev.controlplane.build import find_tools
from dev.paths import state_directory

GIVEN: Final = "ES_TEST_KUBECONFIG"
REQUEST_TIMEOUT_SECONDS: Final = 30.0
POLL_SECONDS: Final = 0.05
POOL_NODES: Final = 8
POOL_GPUS: Final = 8

T = TypeVar("T")


@contextmanager
def test_cluster() -> Iterator[Cluster]:
    """The cluster that ES_TEST_KUBECONFIG names, untouched, or else one of our own with a pool of nvidia-l4 nodes.

    Ours is gone afterwards. Tests that fill or break nodes make their own (fixture ``nodes``).
    """
    named = os.environ.get(GIVEN)
    if named:
        yield given_cluster(named)
        return
    with LocalCluster.start(find_tools()) as cluster:
        cluster.create(*[gpu_node(f"pool-{index}", count=POOL_GPUS) for index in range(POOL_NODES)])
        yield cluster


test_cluster.__test__ = False  # type: ignore[attr-defined]  # pytest would take it for a test


def given_cluster(named: str) -> GivenCluster:
    """The cluster whose kubeconfig is the file ``named``; raises ClusterError when there is no such file."""
    kubeconfig = Path(named)
    if not kubeconfig.is_file():
        raise ClusterError(f"{GIVEN} names {named}, which is no file")
    home = state_directory() / "given"
    home.mkdir(parents=True, exist_ok=True)
    return GivenCluster(kubeconfig.resolve(), find_tools(), home)


@asynccontextmanager
async def api_client(cluster: Cluster, kubeconfig: Path | None = None) -> AsyncIterator[aio_client.ApiClient]:
    """An asyncio client of the cluster, the administrator's unless ``kubeconfig`` is somebody else's; closed after."""
    path = str(kubeconfig or cluster.kubeconfig)
    async with await aio_config.new_client_from_config(config_file=path, persist_config=False) as client:  # type: ignore[no-untyped-call]  # its kubeconfig module has no types
        yield client


@overload
async def eventually(condition: Callable[[], Awaitable[T | None]], timeout: float = ...) -> T: ...  # noqa: ASYNC109
@overload
async def eventually(condition: Callable[[], T | None], timeout: float = ...) -> T: ...  # noqa: ASYNC109
async def eventually(condition: Callable[[], object], timeout: float = 60.0) -> object:  # noqa: ASYNC109  # reads well at the call
    """The first true thing ``condition`` returns (or resolves to) within ``timeout`` seconds.

    An AssertionError inside it means "not yet". When time is up, the last one is raised, or one that shows the last
    value. Every other error passes through at once.
    """
    deadline = asyncio.get_running_loop().time() + timeout
    while True:
        try:
            result = condition()
            value = await result if inspect.isawaitable(result) else result
            if value:
                return value
            failure = AssertionError(f"not within {timeout:g} s; the last value was {value!r}")
        except AssertionError as error:
            failure = error
        if asyncio.get_running_loop().time() >= deadline:
            raise failure
        await asyncio.sleep(POLL_SECONDS)


@contextmanager
def fresh_namespace(cluster: Cluster, stem: str) -> Iterator[str]:
    """Name of a new namespace in which pods may be created; its deletion starts afterwards, nobody waits for it.

    One that is gone by then is fine.
    """
    name = f"{stem}-{uuid.uuid4().hex[:6]}"
    path = str(cluster.kubeconfig)
    with sync_config.new_client_from_config(config_file=path, persist_config=False) as api:  # type: ignore[no-untyped-call]  # as above
        core = sync_client.CoreV1Api(api)
        core.create_namespace(
            sync_client.V1Namespace(metadata=sync_client.V1ObjectMeta(name=name)),
            _request_timeout=REQUEST_TIMEOUT_SECONDS,
        )
        # The API server refuses pods as long as their ServiceAccount is not there.
        if not wait_until(lambda: _has_account(core, name), timeout_seconds=REQUEST_TIMEOUT_SECONDS):
            raise ClusterError(f"namespace {name} got no default ServiceAccount in {REQUEST_TIMEOUT_SECONDS:g} s")
        try:
            yield name
        finally:
            with contextlib.suppress(sync_client.exceptions.NotFoundException):
                core.delete_namespace(name, _request_timeout=REQUEST_TIMEOUT_SECONDS)
            # Pods of ours have minutes of grace, which a namespace would wait for; nobody drains them any more.
            core.delete_collection_namespaced_pod(
                name, grace_period_seconds=0, _request_timeout=REQUEST_TIMEOUT_SECONDS
            )


def _has_account(core: sync_client.CoreV1Api, namespace: str) -> bool:
    accounts = core.list_namespaced_service_account(namespace, _request_timeout=REQUEST_TIMEOUT_SECONDS)
    return any(account.metadata is not None and account.metadata.name == "default" for account in accounts.items)
