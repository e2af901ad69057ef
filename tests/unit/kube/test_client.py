"""The client against an API server that is slow, away, odd, or compacts its history under a list."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from kubernetes.aio.client import Configuration

from elastic_serving.errors import InvalidSpec, Transient
from elastic_serving.kube import config
from elastic_serving.kube.api import Preconditions, Resource
from elastic_serving.kube.client import KubeClient
from elastic_serving.kube.config import load_configuration, present_namespace

PODS = Resource("", "v1", "pods")
NODES = Resource("", "v1", "nodes", namespaced=False)
SERVINGS = Resource("elasticserving.io", "v1alpha1", "elasticservings")
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@asynccontextmanager
async def serving(handler: Handler, timeout_seconds: float = 5.0) -> AsyncIterator[KubeClient]:
    """A client of a server that answers everything with ``handler``."""
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", handler)
    async with TestServer(app) as server:
        configuration = Configuration(host=f"http://127.0.0.1:{server.port}")
        async with KubeClient(configuration, field_manager="es", timeout_seconds=timeout_seconds) as client:
            yield client


async def test_a_server_that_does_not_answer_is_transient_at_the_timeout() -> None:
    release = asyncio.Event()

    async def hang(_: web.Request) -> web.StreamResponse:
        await release.wait()
        return web.json_response({})

    async with serving(hang, timeout_seconds=0.1) as client:
        with pytest.raises(Transient, match=r"^get /api/v1/namespaces/a/pods/b: the API server did not answer"):
            await client.get(PODS, "a", "b")
        release.set()


async def test_a_body_that_never_ends_is_transient_at_the_timeout() -> None:
    release = asyncio.Event()

    async def drip(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(b'{"items": [')
        await release.wait()
        return response

    async with serving(drip, timeout_seconds=0.1) as client:
        with pytest.raises(Transient, match=r"did not answer within 0\.1 s"):
            await client.list(PODS, "a")
        release.set()


async def test_a_server_that_is_away_is_transient() -> None:
    async with KubeClient(Configuration(host="http://127.0.0.1:1"), field_manager="es") as client:
        with pytest.raises(Transient, match=r"^delete /api/v1/nodes/n: the API server is unreachable: "):
            await client.delete(NODES, None, "n")


async def test_an_answer_that_is_no_object_is_transient() -> None:
    async def html(_: web.Request) -> web.StreamResponse:
        return web.Response(text="<html>", content_type="text/html")

    async with serving(html) as client:
        with pytest.raises(Transient, match=r"the answer \(HTTP 200\) is not a JSON object"):
            await client.get(PODS, "a", "b")


def page(*names: str, token: str = "") -> web.Response:
    items = [{"metadata": {"name": name, "managedFields": [{"manager": "x"}]}} for name in names]
    return web.json_response({"metadata": {"continue": token}, "items": items})


async def test_a_list_takes_every_page_and_drops_managed_fields() -> None:
    queries: list[dict[str, str]] = []

    async def pages(request: web.Request) -> web.StreamResponse:
        queries.append(dict(request.query))
        return page("c") if "continue" in request.query else page("a", "b", token="next")

    async with serving(pages) as client:
        listed = await client.list(PODS, "ns", label_selector="app=x,role in (a)")
    assert listed == [{"metadata": {"name": name}} for name in "abc"]
    assert queries == [
        {"limit": "500", "labelSelector": "app=x,role in (a)"},
        {"limit": "500", "labelSelector": "app=x,role in (a)", "continue": "next"},
    ]
    assert client.requests == {("list", "pods"): 2}


async def test_a_list_whose_revision_expires_starts_again_and_gives_up_at_the_third_time() -> None:
    asked = 0
    expiries = 1

    async def pages(request: web.Request) -> web.StreamResponse:
        nonlocal asked, expiries
        asked += 1
        if "continue" not in request.query:
            return page(f"first-{asked}", token="next")
        if expiries > 0:
            expiries -= 1
            return web.json_response({"reason": "Expired", "message": "too old"}, status=410)
        return page("last")

    async with serving(pages) as client:
        # Request 1 first page, 2 expired, 3 first page again, 4 last page: nothing of request 1 is left.
        assert [item["metadata"]["name"] for item in await client.list(PODS)] == ["first-3", "last"]
        expiries = 3
        with pytest.raises(Transient, match="every page token expired"):
            await client.list(PODS)
    assert asked == 4 + 6


async def test_every_verb_says_what_it_means() -> None:
    seen: list[tuple[Any, ...]] = []

    async def record(request: web.Request) -> web.StreamResponse:
        body = await request.json() if request.can_read_body else None
        seen.append((request.method, request.path, dict(request.query), request.content_type, body))
        return web.json_response({})

    async with serving(record) as client:
        await client.create(PODS, "a", {"kind": "Pod"}, dry_run=True)
        await client.json_patch(PODS, "a", "p/q", [{"op": "test", "path": "/metadata/uid", "value": "u"}])
        await client.apply(SERVINGS, "a", "s", {"status": {}}, subresource="status", force=False)
        await client.delete(PODS, "a", "p", preconditions=Preconditions("u", "7"), grace_period_seconds=0)
        await client.list(NODES)
    json = "application/json"
    options: Any = {"apiVersion": "v1", "kind": "DeleteOptions", "propagationPolicy": "Background"}
    assert seen == [
        ("POST", "/api/v1/namespaces/a/pods", {"fieldManager": "es", "dryRun": "All"}, json, {"kind": "Pod"}),
        (
            "PATCH",
            "/api/v1/namespaces/a/pods/p/q",
            {"fieldManager": "es"},
            "application/json-patch+json",
            [{"op": "test", "path": "/metadata/uid", "value": "u"}],
        ),
        (
            "PATCH",
            "/apis/elasticserving.io/v1alpha1/namespaces/a/elasticservings/s/status",
            {"fieldManager": "es", "force": "false"},
            "application/apply-patch+yaml",
            {"status": {}},
        ),
        (
            "DELETE",
            "/api/v1/namespaces/a/pods/p",
            {},
            json,
            {**options, "preconditions": {"uid": "u", "resourceVersion": "7"}, "gracePeriodSeconds": 0},
        ),
        ("GET", "/api/v1/nodes", {"limit": "500"}, json, None),
    ]
    assert client.requests == {
        ("create", "pods"): 1,
        ("patch", "pods"): 1,
        ("apply", "elasticservings"): 1,
        ("delete", "pods"): 1,
        ("list", "nodes"): 1,
    }


KUBECONFIG = """
apiVersion: v1
kind: Config
clusters: [{{name: c, cluster: {{server: "{server}"}}}}]
users: [{{name: u, user: {{tokenFile: {token}}}}}]
contexts: [{{name: x, context: {{cluster: c, user: u}}}}]
current-context: x
"""


async def test_a_token_file_of_a_kubeconfig_is_read_again_and_nothing_ambient_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tokens: list[str | None] = []

    async def record(request: web.Request) -> web.StreamResponse:
        tokens.append(request.headers.get("Authorization"))
        return web.json_response({})

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", record)
    async with TestServer(app) as server:
        (tmp_path / "token").write_text("first")
        kubeconfig = tmp_path / "config"
        kubeconfig.write_text(KUBECONFIG.format(server=f"http://127.0.0.1:{server.port}", token=tmp_path / "token"))
        monkeypatch.setenv("KUBECONFIG", "/nonexistent")
        monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
        monkeypatch.setattr(config, "REFRESH_SECONDS", 0.0)
        async with KubeClient(await load_configuration(kubeconfig), field_manager="es") as client:
            await client.get(PODS, "a", "b")
            (tmp_path / "token").write_text("second")
            await client.get(PODS, "a", "b")
    assert tokens == ["Bearer first", "Bearer second"]


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("x: [\n", id="no YAML"),
        pytest.param("", id="empty"),
        pytest.param("[1]", id="a list"),
        pytest.param("contexts: 7", id="another shape"),
    ],
)
async def test_a_file_that_is_no_kubeconfig_is_one_sentence(tmp_path: Path, text: str) -> None:
    kubeconfig = tmp_path / "config"
    kubeconfig.write_text(text)
    with pytest.raises(InvalidSpec, match=r"^kubeconfig .*/config gives no access to a cluster: "):
        await load_configuration(kubeconfig)
    with pytest.raises(InvalidSpec, match=r"^kubeconfig .*/config gives no access to a cluster: "):
        present_namespace(kubeconfig)


async def test_no_kubeconfig_and_no_pod_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
    with pytest.raises(InvalidSpec, match=r"^the pod's ServiceAccount gives no access to a cluster: Service host/port"):
        await load_configuration()
    with pytest.raises(InvalidSpec, match=r"^kubeconfig .*/missing gives no access to a cluster: "):
        await load_configuration(tmp_path / "missing")
