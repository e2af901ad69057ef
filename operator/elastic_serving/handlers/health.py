"""What the kubelet, Prometheus and people ask the process itself: /livez, /readyz, /metrics."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from aiohttp import web
from prometheus_client import CollectorRegistry
from prometheus_client.aiohttp import make_aiohttp_handler


@dataclass(slots=True)
class Pulse:
    """Monotonic times of the process's loops; None until the first beat."""

    started_at: float
    ticked_at: float | None = None
    leading: bool = False
    synced: bool = False

    def age(self, now: float) -> float:
        """Seconds since the last tick, or since the start where there was none yet."""
        return now - (self.ticked_at if self.ticked_at is not None else self.started_at)


def application(
    pulse: Pulse, registry: CollectorRegistry, live_seconds: float, clock: Callable[[], float] = time.monotonic
) -> web.Application:
    """The three pages.

    /livez is 503 once a leader's last tick is older than ``live_seconds``; a follower lives as long as it answers.
    /readyz is 200 on a follower that waits for the Lease and on a leader whose caches were filled.
    """

    async def livez(_: web.Request) -> web.Response:
        age = pulse.age(clock())
        if pulse.leading and age > live_seconds:
            return web.Response(status=503, text=f"the last tick is {age:.1f} s old, the bound is {live_seconds:g} s\n")
        return web.Response(text=f"ok: {'leading' if pulse.leading else 'following'}\n")

    async def readyz(_: web.Request) -> web.Response:
        if pulse.leading and not pulse.synced:
            return web.Response(status=503, text="the caches are not filled yet\n")
        return web.Response(text="ok\n")

    app = web.Application()
    app.router.add_get("/livez", livez)
    app.router.add_get("/readyz", readyz)
    app.router.add_get("/metrics", make_aiohttp_handler(registry))
    return app
