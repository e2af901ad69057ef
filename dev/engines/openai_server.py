"""The HTTP face of one engine: OpenAI's completions with real SSE, /v1/models, /health, /metrics, as vLLM answers them.

A prompt has as many tokens as words (a list of token ids as many as ids), and an answer exactly ``max_tokens``, as with
``ignore_eos``. Streams are written in pieces of up to ``chunk_seconds``: one event per token would cost a timer each.
"""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any, Final

import stamina
from aiohttp import web
from pydantic import BaseModel, Field, ValidationError

from dev.engines.core import EngineCore, Fault, Ticket

_MAX_BODY_BYTES: Final = 16 * 1024**2
_FINISHING_SECONDS: Final = 5.0
"""How long a graceful stop waits for the last bytes of an answer whose last token is out."""
_COMPLETION_TOKENS: Final = 16
_CHAT_TOKENS: Final = 128


class _StreamOptions(BaseModel):
    include_usage: bool = False


class _Message(BaseModel):
    content: str | list[dict[str, Any]] | None = None


class _Request(BaseModel):
    """What both endpoints share; unknown fields are ignored, as vLLM does."""

    model: str | None = None
    stream: bool = False
    stream_options: _StreamOptions = _StreamOptions()

    def tokens(self) -> tuple[int, int]:
        """Prompt and output tokens."""
        raise NotImplementedError


class CompletionRequest(_Request):
    """``POST /v1/completions``."""

    prompt: str | list[int] | list[str] = ""
    max_tokens: int = Field(default=_COMPLETION_TOKENS, ge=1)

    def tokens(self) -> tuple[int, int]:
        """Words, or ids."""
        prompt = self.prompt if isinstance(self.prompt, list) else [self.prompt]
        return sum(len(part.split()) if isinstance(part, str) else 1 for part in prompt), self.max_tokens


class ChatRequest(_Request):
    """``POST /v1/chat/completions``."""

    messages: list[_Message] = Field(min_length=1)
    max_tokens: int | None = Field(default=None, ge=1)
    max_completion_tokens: int | None = Field(default=None, ge=1)

    def tokens(self) -> tuple[int, int]:
        """Words of all messages; the newer name of the limit wins."""
        prompt = sum(len(_text(message.content).split()) for message in self.messages)
        return prompt, self.max_completion_tokens or self.max_tokens or _CHAT_TOKENS


def _text(content: str | list[dict[str, Any]] | None) -> str:
    """The text parts of a message."""
    if content is None or isinstance(content, str):
        return content or ""
    return " ".join(str(part.get("text", "")) for part in content)


@dataclass(frozen=True, slots=True)
class _Shape:
    """How one endpoint words its answers."""

    prefix: str
    object: str
    chunk_object: str
    is_chat: bool

    def choice(self, text: str, finish: str | None) -> dict[str, Any]:
        """The only choice of a whole answer."""
        said = {"message": {"role": "assistant", "content": text}} if self.is_chat else {"text": text}
        return {"index": 0, **said, "logprobs": None, "finish_reason": finish}

    def delta(self, text: str, finish: str | None) -> dict[str, Any]:
        """The only choice of one event."""
        said = {"delta": {"content": text}} if self.is_chat else {"text": text}
        return {"index": 0, **said, "logprobs": None, "finish_reason": finish}


_COMPLETION: Final = _Shape("cmpl", "text_completion", "text_completion", is_chat=False)
_CHAT: Final = _Shape("chatcmpl", "chat.completion", "chat.completion.chunk", is_chat=True)


class EngineServer:
    """Serves one core on one address until stopped. ``draining`` refuses new completions with 500, as vLLM does."""

    def __init__(self, core: EngineCore, model_name: str, chunk_seconds: float) -> None:
        self._core = core
        self._model_name = model_name
        self._chunk_seconds = chunk_seconds
        self._runner: web.AppRunner | None = None
        self.draining = False

    async def start(self, address: str, port: int) -> None:
        """Listens when it returns. OSError if the address stays taken for 10 s (an engine before us still closes)."""
        app = web.Application(client_max_size=_MAX_BODY_BYTES)
        app.add_routes(
            [
                web.post("/v1/completions", self._complete),
                web.post("/v1/chat/completions", self._chat),
                web.get("/v1/models", self._models),
                web.get("/health", self._health),
                web.get("/metrics", self._metrics),
            ]
        )
        self._runner = web.AppRunner(
            app, access_log=None, handler_cancellation=True, shutdown_timeout=_FINISHING_SECONDS
        )
        await self._runner.setup()
        async for attempt in stamina.retry_context(on=OSError, timeout=10.0, attempts=None, wait_max=0.5):
            with attempt:
                await web.TCPSite(self._runner, address, port, backlog=1024, reuse_address=True).start()

    async def stop(self, *, cut: bool) -> None:
        """Closes the listener; answers in progress end first, or are cut like those of a process that died."""
        if self._runner is None:
            return
        if cut and self._runner.server is not None:
            for connection in self._runner.server.connections:
                connection.force_close()
        await self._runner.cleanup()
        self._runner = None

    async def _models(self, _: web.Request) -> web.Response:
        card = {"id": self._model_name, "object": "model", "created": int(time.time()), "owned_by": "vllm"}
        return web.json_response({"object": "list", "data": [card]})

    async def _health(self, _: web.Request) -> web.Response:
        return web.Response(status=503 if self._core.fault is Fault.UNHEALTHY else 200)

    async def _metrics(self, _: web.Request) -> web.Response:
        kind = "text/html" if self._core.fault is Fault.HTML_METRICS else "text/plain; version=0.0.4"
        return web.Response(body=self._core.page(), headers={"Content-Type": f"{kind}; charset=utf-8"})

    async def _complete(self, request: web.Request) -> web.StreamResponse:
        return await self._answer(request, CompletionRequest, _COMPLETION)

    async def _chat(self, request: web.Request) -> web.StreamResponse:
        return await self._answer(request, ChatRequest, _CHAT)

    async def _answer(self, request: web.Request, kind: type[_Request], shape: _Shape) -> web.StreamResponse:
        """One completion from refusal to last byte; a client that leaves frees its slot."""
        try:
            asked = kind.model_validate_json(await request.read())
        except ValidationError as error:
            return _error(400, "BadRequestError", str(error.errors()[0]["msg"]))
        if asked.model not in (None, self._model_name):
            return _error(404, "NotFoundError", f"The model `{asked.model}` does not exist.")
        if self.draining:
            return _error(500, "InternalServerError", "EngineCore is shutting down.")
        if self._core.fault is Fault.ERROR500:
            return _error(500, "InternalServerError", "EngineCore encountered an issue.")
        ticket = self._core.submit(*asked.tokens())
        try:
            if asked.stream:
                return await self._stream(request, ticket, shape, asked.stream_options.include_usage)
            await ticket.finished
            return self._whole(ticket, shape)
        finally:
            self._core.abandon(ticket)

    def _whole(self, ticket: Ticket, shape: _Shape) -> web.Response:
        """The answer of a request that did not ask for a stream."""
        choice = shape.choice(_words(ticket.job.output_tokens), "length")
        return web.json_response(
            {**self._head(ticket, shape, shape.object), "choices": [choice], "usage": _usage(ticket)}
        )

    async def _stream(self, request: web.Request, ticket: Ticket, shape: _Shape, usage: bool) -> web.StreamResponse:
        """Server-sent events: pieces of text, perhaps the usage, ``[DONE]``."""
        head = self._head(ticket, shape, shape.chunk_object)
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream; charset=utf-8"})
        sent = 0
        async for tokens in self._progress(ticket):
            if not sent:
                await response.prepare(request)
            finish = "length" if tokens == ticket.job.output_tokens else None
            await response.write(_event({**head, "choices": [shape.delta(_words(tokens - sent), finish)]}))
            sent = tokens
        if usage:
            await response.write(_event({**head, "choices": [], "usage": _usage(ticket)}))
        await response.write(b"data: [DONE]\n\n")
        await response.write_eof()
        return response

    async def _progress(self, ticket: Ticket) -> AsyncIterator[int]:
        """Tokens that are out, each time there are more: at the first, every ``chunk_seconds``, at the last."""
        loop = asyncio.get_running_loop()
        await ticket.started
        tokens = 0
        while (run := self._core.run_of(ticket)) is not None:
            to_first = run.first_token_at - loop.time()
            done, _ = await asyncio.wait((ticket.finished,), timeout=to_first if to_first > 0 else self._chunk_seconds)
            if done:
                break
            run = self._core.run_of(ticket)
            out = 0 if run is None or self._core.is_frozen else run.tokens_at(loop.time())
            if out > tokens:
                tokens = out
                yield tokens
        if tokens < ticket.job.output_tokens:
            yield ticket.job.output_tokens

    def _head(self, ticket: Ticket, shape: _Shape, kind: str) -> dict[str, Any]:
        """What every event and every answer begins with."""
        return {
            "id": f"{shape.prefix}-{ticket.job.id}",
            "object": kind,
            "created": int(time.time()),
            "model": self._model_name,
        }


def _words(tokens: int) -> str:
    """Text of that many tokens."""
    return "token " * tokens


def _usage(ticket: Ticket) -> dict[str, int]:
    """OpenAI's token counts."""
    prompt, output = ticket.job.prompt_tokens, ticket.job.output_tokens
    return {"prompt_tokens": prompt, "completion_tokens": output, "total_tokens": prompt + output}


def _event(body: dict[str, Any]) -> bytes:
    """One server-sent event."""
    return b"data: " + json.dumps(body, separators=(",", ":")).encode() + b"\n\n"


def _error(status: int, kind: str, message: str) -> web.Response:
    """vLLM's error body."""
    body = {"error": {"message": message, "type": kind, "param": None, "code": status}}
    return web.json_response(body, status=status)
