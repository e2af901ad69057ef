"""What the operator does when its view of the API server is cut, refused or spoiled: it sees again, or it ends.

Where it ends, the kubelet starts it anew; both count as seeing again, and both are sooner than the next full list.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager
from pathlib import Path

import pytest

from dev.cluster.handle import Cluster
from tests.support.calls import Call
from tests.support.cluster import eventually, fresh_namespace
from tests.support.operator import Operator, Release, installed
from tests.support.proxy import Proxy, proxy_of
from tests.support.servings import Servings

NEWS_SECONDS = 45.0
"""Sooner than the full list of every 60 s."""
GIVE_UP_SECONDS = 120.0
"""Twice what kopf's eight tries of one call take."""
LIFETIME_SECONDS = 3600.0
TWO = {"scaling": {"minReplicas": 2}}
WATCHED = ("elasticservings", "pods", "services", "nodes")
EXPIRED = '{"type":"ERROR","object":{"kind":"Status","code":410,"reason":"Expired","message":"too old"}}\n'


@asynccontextmanager
async def _behind(
    release: Release, home: Path, proxy: Proxy, **settings: str
) -> AsyncIterator[tuple[Operator, list[int]]]:
    """An operator behind the proxy, started again whenever it ends; and its exit codes."""
    operator, codes = Operator(release, home, settings, server=proxy.url), list[int]()

    def end() -> tuple[int] | None:
        """The exit code of an ended process, as something true."""
        assert operator.process is not None
        code = operator.process.poll()
        return None if code is None else (code,)

    async def restart() -> None:
        while True:
            codes.extend(await eventually(end, LIFETIME_SECONDS))
            operator.start(wait=False)

    operator.start(wait=False)
    task = asyncio.create_task(restart())
    try:
        yield operator, codes
    finally:
        task.cancel()
        operator.kill()


@pytest.fixture
def proxy(release: Release) -> Iterator[Proxy]:
    """Between the operator and the API server."""
    with proxy_of(release.kubeconfig) as proxy:
        yield proxy


@pytest.mark.parametrize(
    ("status", "ends"),
    [
        pytest.param(503, False, id="unavailable"),
        pytest.param(403, False, id="forbidden"),
        pytest.param(404, True, id="not found"),
    ],
)
async def test_watches_that_are_cut_and_refused_for_a_while_come_back(
    release: Release, servings: Servings, proxy: Proxy, tmp_path: Path, status: int, ends: bool
) -> None:
    refused: list[Call] = []

    def forge(call: Call) -> tuple[int, str] | None:
        if call.verb != "watch":
            return None
        refused.append(call)
        return status, json.dumps({"kind": "Status", "code": status})

    async with _behind(release, tmp_path, proxy) as (_, codes):
        servings.apply()
        await servings.serving(1)
        proxy.forge = forge
        proxy.cut()
        await eventually(lambda: {call.resource for call in refused} == set(WATCHED))
        proxy.forge = lambda _: None
        servings.apply(TWO)
        await servings.serving(2, timeout=NEWS_SECONDS)
    assert codes == ([1] if ends else [])


@pytest.mark.parametrize("status", [pytest.param(503, id="unavailable"), pytest.param(403, id="forbidden")])
async def test_lists_refused_at_the_start_are_asked_for_until_they_are_answered(
    release: Release, servings: Servings, proxy: Proxy, tmp_path: Path, status: int
) -> None:
    refused: list[Call] = []

    def forge(call: Call) -> tuple[int, str] | None:
        if call.resource in ("leases", "customresourcedefinitions") or call.is_write:
            return None
        refused.append(call)
        return status, json.dumps({"kind": "Status", "code": status})

    proxy.forge = forge
    servings.apply()
    async with _behind(release, tmp_path, proxy) as (_, codes):
        await eventually(lambda: len(refused) >= len(WATCHED))
        proxy.forge = lambda _: None
        await servings.serving(1, timeout=NEWS_SECONDS)
        servings.apply(TWO)
        await servings.serving(2, timeout=NEWS_SECONDS)
    assert codes == []


@pytest.mark.parametrize(
    "line",
    [
        pytest.param('{"type":"ERROR","object":{"kind":"Status","code":500,"reason":"Why"}}', id="an error"),
        pytest.param("<html>please log in</html>", id="a page"),
    ],
)
async def test_a_watch_that_says_what_nobody_understands_ends_the_process(
    release: Release, servings: Servings, proxy: Proxy, tmp_path: Path, line: str
) -> None:
    async with _behind(release, tmp_path, proxy) as (_, codes):
        servings.apply()
        await servings.serving(1)
        proxy.spoil = line.encode()
        servings.kubectl("annotate", "es", servings.name, "look=here")
        await eventually(lambda: codes)
        proxy.spoil = None
        servings.apply(TWO)
        await servings.serving(2, timeout=NEWS_SECONDS)
    assert set(codes) == {1}


async def test_a_pod_that_vanished_while_nobody_watched_is_noticed_by_the_next_full_list(
    release: Release, servings: Servings, proxy: Proxy, tmp_path: Path
) -> None:
    expired: list[Call] = []

    def forge(call: Call) -> tuple[int, str] | None:
        if (call.verb, call.resource) != ("watch", "pods"):
            return None
        expired.append(call)
        return 200, EXPIRED

    async with _behind(release, tmp_path, proxy, reconcile_seconds="5") as (_, codes):
        servings.apply(TWO)
        await servings.serving(2)
        before = {pod["metadata"]["name"]: pod["metadata"]["uid"] for pod in servings.pods()}
        proxy.forge = forge
        proxy.cut()
        await eventually(lambda: expired, timeout=GIVE_UP_SECONDS)
        servings.kubectl("delete", "pod", "llama-8b-1-0", "--grace-period=0", "--force")
        seen = len(expired)
        # kopf has listed the pods without it.
        await eventually(lambda: len(expired) > seen + 1, timeout=GIVE_UP_SECONDS)
        proxy.forge = lambda _: None

        def made_anew() -> bool:
            after = {pod["metadata"]["name"]: pod["metadata"]["uid"] for pod in servings.pods()}
            return set(after) == set(before) and after["llama-8b-1-0"] != before["llama-8b-1-0"]

        await eventually(made_anew, timeout=GIVE_UP_SECONDS)
        await servings.serving(2)
    assert codes == []


@asynccontextmanager
async def _of_two_namespaces(
    cluster: Cluster, servings: Servings, home: Path
) -> AsyncIterator[tuple[str, Proxy, Operator]]:
    """The other namespace's name, and an operator of both behind the proxy, which must not end."""
    with ExitStack() as stack:
        other = stack.enter_context(fresh_namespace(cluster, "other"))
        values = {"watchNamespaces": [servings.namespace, other]}
        release = stack.enter_context(installed(cluster, servings.namespace, values))
        proxy = stack.enter_context(proxy_of(release.kubeconfig))
        async with _behind(release, home, proxy) as (operator, codes):
            servings.apply()
            await servings.serving(1)
            yield other, proxy, operator
        assert codes == []


async def _lives_on(servings: Servings) -> None:
    """Sooner than the full list of every 60 s."""
    servings.apply(TWO)
    await servings.serving(2, timeout=NEWS_SECONDS)
    servings.load(running=62)  # 62 / 22.4 = 2.8 -> 3: its signals are still read
    await servings.serving(3, timeout=NEWS_SECONDS)


@pytest.mark.parametrize(
    ("status", "gives_up"),
    [
        pytest.param(404, True, id="not found"),
        pytest.param(403, False, id="forbidden"),
        pytest.param(503, False, id="unavailable"),
    ],
)
async def test_a_namespace_that_cannot_be_watched_leaves_the_others_alone(
    cluster: Cluster, crds: None, servings: Servings, tmp_path: Path, status: int, gives_up: bool
) -> None:
    refused: list[Call] = []

    async with _of_two_namespaces(cluster, servings, tmp_path) as (other, proxy, operator):

        def forge(call: Call) -> tuple[int, str] | None:
            if (call.verb, call.namespace) not in (("watch", other), ("list", other)):
                return None
            refused.append(call)
            return status, json.dumps({"kind": "Status", "code": status})

        proxy.forge = forge
        proxy.cut()
        await eventually(lambda: {call.resource for call in refused} == {"elasticservings", "pods", "services"})
        if gives_up:
            await eventually(lambda: f'"namespace": "{other}"' in operator.log.read_text())
        await _lives_on(servings)


async def test_a_namespace_that_is_deleted_leaves_the_others_alone(
    cluster: Cluster, crds: None, servings: Servings, tmp_path: Path
) -> None:
    async with _of_two_namespaces(cluster, servings, tmp_path) as (other, proxy, _):
        cluster.kubectl("delete", "namespace", other)
        proxy.cut()  # or it would be noticed when the API server ends the watches, every 10 minutes
        await eventually(lambda: [s for s in list(proxy.seen) if (s.call.namespace, s.status) == (other, 403)])
        await _lives_on(servings)
