"""The fleet's control endpoint on 127.0.0.1: faults, pinned loads, a list of the engines. For tests and the demo.

GET /engines; POST /faults/{namespace}/{pod} {"fault": "hang", "factor": 10}; PUT and DELETE /pins/{namespace}/{pod}
{"running": 5, "waiting": 0}; PUT and DELETE /namespaces/{namespace} where not all are served. A wrong body is answered
400 with one sentence, an unknown engine 404.
"""

from dataclasses import asdict
from typing import Annotated, Final, Literal

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from dev.engines.core import Pin
from dev.engines.fleet import Fleet, NoSuchEngine

FaultName = Literal[
    "none", "hang", "slow", "error500", "unhealthy", "wrong_metrics", "nan_metrics", "html_metrics", "crash", "exit"
]
_FLEET: Final = web.AppKey("fleet", Fleet)


class FaultRequest(BaseModel):
    """``factor`` says how much slower ``slow`` is."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    fault: FaultName
    factor: Annotated[float, Field(gt=0, le=1000)] = 10.0


class PinRequest(BaseModel):
    """A number to show instead of the truth; null or absent shows the truth."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    running: Annotated[float, Field(ge=0)] | None = None
    waiting: Annotated[float, Field(ge=0)] | None = None


def control_app(fleet: Fleet) -> web.Application:
    """The routes above over one fleet."""
    app = web.Application()
    app[_FLEET] = fleet
    app.add_routes(
        [
            web.get("/engines", _engines),
            web.post("/faults/{namespace}/{pod}", _fault),
            web.put("/pins/{namespace}/{pod}", _pin),
            web.delete("/pins/{namespace}/{pod}", _unpin),
            web.put("/namespaces/{namespace}", _follow),
            web.delete("/namespaces/{namespace}", _leave),
        ]
    )
    return app


async def _engines(request: web.Request) -> web.Response:
    return web.json_response([asdict(view) for view in request.app[_FLEET].views()])


async def _fault(request: web.Request) -> web.Response:
    try:
        asked = FaultRequest.model_validate_json(await request.read())
        await request.app[_FLEET].set_fault(*_pod(request), asked.fault, asked.factor)
    except ValidationError as error:
        return _refused(400, _sentence(error))
    except NoSuchEngine as error:
        return _refused(404, str(error))
    return web.json_response({})


async def _pin(request: web.Request) -> web.Response:
    try:
        asked = PinRequest.model_validate_json(await request.read())
    except ValidationError as error:
        return _refused(400, _sentence(error))
    request.app[_FLEET].set_pin(*_pod(request), Pin(asked.running, asked.waiting))
    return web.json_response({})


async def _unpin(request: web.Request) -> web.Response:
    request.app[_FLEET].set_pin(*_pod(request), Pin())
    return web.json_response({})


async def _follow(request: web.Request) -> web.Response:
    await request.app[_FLEET].follow_namespace(request.match_info["namespace"])
    return web.json_response({})


async def _leave(request: web.Request) -> web.Response:
    await request.app[_FLEET].leave_namespace(request.match_info["namespace"])
    return web.json_response({})


def _pod(request: web.Request) -> tuple[str, str]:
    return request.match_info["namespace"], request.match_info["pod"]


def _sentence(error: ValidationError) -> str:
    """The first thing that is wrong: where, what was given, what is legal."""
    first = error.errors()[0]
    where = ".".join(str(part) for part in first["loc"]) or "body"
    return f"{where}: got {first['input']!r}; {first['msg']}"


def _refused(status: int, message: str) -> web.Response:
    return web.json_response({"error": message}, status=status)
