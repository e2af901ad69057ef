"""A reverse proxy in front of the API server that sees every request, and may delay, refuse, cut or stop at any.

It runs in a thread of its own, so that a test that blocks does not block the operator behind it. The operator speaks
plain HTTP to it with its own token, which is passed on: RBAC is the real one.
"""

import asyncio
import base64
import contextlib
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import aiohttp
import yaml
from aiohttp import web

from tests.support.calls import Call, call_of

LOOPBACK: Final = "127.0.0.1"
CLOSING_SECONDS: Final = 0.25
"""What TLS connections need to close after their session was closed, which does not wait for them (aiohttp's docs,
"Graceful shutdown")."""
HOP_BY_HOP: Final = frozenset(
    ("connection", "content-length", "host", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade")
)
UPSTREAM: Final = web.AppKey("upstream", aiohttp.ClientSession)

Forgery = Callable[[Call], tuple[int, str] | None]
"""The HTTP status and body to answer a call with instead of passing it on, or None."""
Reached = Callable[[Call, str], bool]
"""Told of each write ``before`` it is passed on and ``after`` the API server answered; True: the caller is gone."""


@dataclass(frozen=True, slots=True)
class Seen:
    """A request that reached the proxy, when (monotonic), and the status it was answered with (0: none yet)."""

    call: Call
    at: float
    status: int = 0


@dataclass(slots=True)
class Proxy:
    """What the proxy does now, and what it saw. Fields may be changed at any time."""

    url: str = ""
    delay_seconds: float = 0.0
    """Before each request is passed on."""
    forge: Forgery = field(default=lambda _: None)
    reached: Reached = field(default=lambda _, __: False)
    alter: Callable[[bytes], bytes] = field(default=lambda raw: raw)
    """Applied to each answer of a list and each piece of a watch."""
    spoil: bytes | None = None
    """What each running watch gets as its next line; then its stream ends."""
    seen: list[Seen] = field(default_factory=list)
    _streams: set["asyncio.Task[object]"] = field(default_factory=set)
    _loop: asyncio.AbstractEventLoop | None = None

    @property
    def writes(self) -> list[Seen]:
        """The writes, Lease renewals included, in the order in which they were answered."""
        return [seen for seen in list(self.seen) if seen.call.is_write]

    def cut(self) -> None:
        """End every running watch as a lost connection would."""
        assert self._loop is not None
        self._loop.call_soon_threadsafe(lambda: [task.cancel() for task in self._streams])


@contextlib.contextmanager
def proxy_of(kubeconfig: Path) -> Iterator[Proxy]:
    """A running proxy to the API server of ``kubeconfig``."""
    cluster = yaml.safe_load(kubeconfig.read_text())["clusters"][0]["cluster"]
    trust = ssl.create_default_context(cadata=base64.b64decode(cluster["certificate-authority-data"]).decode())
    proxy, ready, stop = Proxy(), threading.Event(), asyncio.Event()

    async def pass_on(request: web.Request) -> web.StreamResponse:
        try:
            return await _pass_on(proxy, cluster["server"], request)
        except aiohttp.ClientError:  # the API server itself is away
            return _dropped(request)

    async def serve() -> None:
        proxy._loop = asyncio.get_running_loop()
        async with aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(ssl=trust, limit=0),
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=10),
            auto_decompress=False,
        ) as session:
            application = web.Application(client_max_size=16 << 20)
            application[UPSTREAM] = session
            application.router.add_route("*", "/{path:.*}", pass_on)
            runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.1)
            await runner.setup()
            await web.TCPSite(runner, LOOPBACK, 0).start()
            proxy.url = "http://{}:{}".format(*runner.addresses[0][:2])
            ready.set()
            await stop.wait()
            await runner.cleanup()
        await asyncio.sleep(CLOSING_SECONDS)

    thread = threading.Thread(target=lambda: asyncio.run(serve()), name="proxy", daemon=True)
    thread.start()
    assert ready.wait(10), "the proxy did not start"
    try:
        yield proxy
    finally:
        assert proxy._loop is not None
        proxy._loop.call_soon_threadsafe(stop.set)
        thread.join(10)


async def _pass_on(proxy: Proxy, server: str, request: web.Request) -> web.StreamResponse:
    body = await request.read()
    call = call_of(request.method, request.path, dict(request.query), body)
    if proxy.delay_seconds:
        await asyncio.sleep(proxy.delay_seconds)
    forged = proxy.forge(call)
    if forged is not None:
        proxy.seen.append(Seen(call, time.monotonic(), forged[0]))
        return web.Response(status=forged[0], text=forged[1], content_type="application/json")
    if call.is_write and proxy.reached(call, "before"):
        return _dropped(request)
    hidden = HOP_BY_HOP | {"accept-encoding"}  # answers stay readable
    headers = {name: text for name, text in request.headers.items() if name.lower() not in hidden}
    async with request.app[UPSTREAM].request(
        request.method, server + request.path_qs, headers=headers, data=body or None
    ) as upstream:
        if call.verb == "watch":
            return await _stream(proxy, call, request, upstream)
        answer = await upstream.read()
        proxy.seen.append(Seen(call, time.monotonic(), upstream.status))
        if call.is_write and proxy.reached(call, "after"):
            return _dropped(request)
        body = proxy.alter(answer) if call.verb == "list" else answer
        return web.Response(status=upstream.status, headers=_headers(upstream), body=body)


async def _stream(
    proxy: Proxy, call: Call, request: web.Request, upstream: aiohttp.ClientResponse
) -> web.StreamResponse:
    """A watch, line by line, until an end goes, ``cut`` is called or ``spoil`` was sent."""
    proxy.seen.append(Seen(call, time.monotonic(), upstream.status))
    response = web.StreamResponse(status=upstream.status, headers=_headers(upstream))
    task = asyncio.current_task()
    assert task is not None
    proxy._streams.add(task)
    try:
        await response.prepare(request)
        async for chunk in upstream.content.iter_any():
            if proxy.spoil is not None:
                await response.write(proxy.spoil + b"\n")
                return response
            await response.write(proxy.alter(chunk))
    except (asyncio.CancelledError, ConnectionResetError, aiohttp.ClientError):
        return _dropped(request)
    finally:
        proxy._streams.discard(task)
    return response


def _dropped(request: web.Request) -> web.StreamResponse:
    """No answer: the connection ends."""
    if request.transport is not None:
        request.transport.abort()
    return web.Response(status=502)


def _headers(upstream: aiohttp.ClientResponse) -> dict[str, str]:
    return {name: text for name, text in upstream.headers.items() if name.lower() not in HOP_BY_HOP}
