"""One engine over real HTTP on loopback: answers, SSE, refusals, faults, drain and kill."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any

import aiohttp
import pytest
from aiohttp.test_utils import unused_port

from dev.engines.core import EngineCore, Fault, Pin
from dev.engines.openai_server import EngineServer
from dev.engines.service_model import ServiceTimes

# Ten times as fast as the default: 3 ms + 25 us per prompt token, 2 ms per output token.
FAST = ServiceTimes(speed=10.0)
PATIENCE = 5.0


@dataclass(frozen=True)
class Served:
    """An engine that listens, and a client of it."""

    core: EngineCore
    server: EngineServer
    client: aiohttp.ClientSession

    async def complete(self, **body: Any) -> tuple[int, Any]:
        """Status and JSON of a completion."""
        async with self.client.post("/v1/completions", json={"prompt": "a b c", "max_tokens": 5, **body}) as answer:
            return answer.status, await answer.json()

    async def gauge(self, name: str) -> float:
        """A gauge's value; KeyError where it is absent."""
        async with self.client.get("/metrics") as answer:
            lines = (await answer.text()).splitlines()
        samples = {line.split("{")[0]: float(line.split()[-1]) for line in lines if line.startswith("vllm:")}
        return samples[f"vllm:{name}"]

    async def until(self, holds: Callable[[], bool]) -> None:
        """Returns once it holds, looking at each turn of the loop."""
        async with asyncio.timeout(PATIENCE):
            while not holds():  # noqa: ASYNC110  the engine has no event for every state
                await asyncio.sleep(0)


@pytest.fixture
async def engine() -> AsyncIterator[Served]:
    core = EngineCore(2, FAST, "llama")
    server = EngineServer(core, "llama", chunk_seconds=0.02)
    port = unused_port()
    await server.start("127.0.0.1", port)
    timeout = aiohttp.ClientTimeout(total=PATIENCE)
    async with aiohttp.ClientSession(f"http://127.0.0.1:{port}", timeout=timeout) as client:
        yield Served(core, server, client)
    await server.stop(cut=True)
    core.close()


def events(text: str) -> list[str]:
    """The data of each server-sent event."""
    return [part.removeprefix("data: ") for part in text.split("\n\n") if part]


async def test_a_completion_has_as_many_tokens_as_asked_for(engine: Served) -> None:
    status, answer = await engine.complete()
    assert status == 200
    assert answer["object"] == "text_completion"
    assert answer["usage"] == {"prompt_tokens": 3, "completion_tokens": 5, "total_tokens": 8}
    assert answer["choices"][0]["text"].split() == ["token"] * 5
    assert answer["choices"][0]["finish_reason"] == "length"


async def test_a_prompt_of_token_ids_has_as_many_tokens(engine: Served) -> None:
    _, answer = await engine.complete(prompt=[1, 2, 3, 4])
    assert answer["usage"]["prompt_tokens"] == 4


async def test_a_chat_answers_as_the_assistant(engine: Served) -> None:
    body = {"model": "llama", "messages": [{"role": "user", "content": "hello there"}], "max_completion_tokens": 2}
    async with engine.client.post("/v1/chat/completions", json=body) as response:
        answer = await response.json()
    assert answer["object"] == "chat.completion"
    assert answer["choices"][0]["message"] == {"role": "assistant", "content": "token token "}
    assert answer["usage"]["prompt_tokens"] == 2


@pytest.mark.parametrize(
    ("path", "body", "text_of"),
    [
        pytest.param("/v1/completions", {"prompt": "a"}, lambda c: c["text"], id="completion"),
        pytest.param(
            "/v1/chat/completions",
            {"messages": [{"role": "user", "content": "a"}]},
            lambda c: c["delta"]["content"],
            id="chat",
        ),
    ],
)
async def test_a_stream_brings_every_token_in_pieces_and_ends_with_done(
    engine: Served, path: str, body: dict[str, Any], text_of: Callable[[Any], str]
) -> None:
    # 100 tokens at 2 ms are 0.2 s: at 20 ms a piece that is several pieces, and fewer than tokens.
    body = {**body, "max_tokens": 100, "stream": True, "stream_options": {"include_usage": True}}
    async with engine.client.post(path, json=body) as response:
        assert response.content_type == "text/event-stream"
        *chunks, usage, done = events(await response.text())
    assert done == "[DONE]"
    assert json.loads(usage)["usage"] == {"prompt_tokens": 1, "completion_tokens": 100, "total_tokens": 101}
    choices = [json.loads(chunk)["choices"][0] for chunk in chunks]
    assert 2 <= len(choices) < 100
    assert "".join(text_of(choice) for choice in choices).split() == ["token"] * 100
    assert [choice["finish_reason"] for choice in choices] == [None] * (len(choices) - 1) + ["length"]


async def test_the_first_piece_comes_long_before_the_last(engine: Served) -> None:
    # The first token is due after 5 ms, the last after 3 s: who has read the first leaves while the request runs.
    body = {"prompt": "a", "max_tokens": 1500, "stream": True}
    async with engine.client.post("/v1/completions", json=body) as response:
        first = await response.content.readline()
        assert first.startswith(b"data: {")
        assert engine.core.running == 1


@pytest.mark.parametrize(
    ("body", "status", "words"),
    [
        pytest.param({"model": "other"}, 404, "The model `other` does not exist.", id="another model"),
        pytest.param({"max_tokens": 0}, 400, "greater than or equal to 1", id="no tokens"),
        pytest.param({"prompt": {}}, 400, "valid", id="a prompt of the wrong kind"),
    ],
)
async def test_a_wrong_request_is_refused_in_openais_words(
    engine: Served, body: dict[str, Any], status: int, words: str
) -> None:
    got, answer = await engine.complete(**body)
    assert got == status
    assert words in answer["error"]["message"]
    assert answer["error"]["code"] == status


async def test_models_and_health_answer(engine: Served) -> None:
    async with engine.client.get("/v1/models") as models, engine.client.get("/health") as health:
        assert [card["id"] for card in (await models.json())["data"]] == ["llama"]
        assert health.status == 200


async def test_the_gauges_count_what_runs_and_waits_in_two_slots(engine: Served) -> None:
    requests = [asyncio.create_task(engine.complete(max_tokens=100)) for _ in range(5)]
    await engine.until(lambda: engine.core.accepted == 5)
    assert await engine.gauge("num_requests_running") == 2
    assert await engine.gauge("num_requests_waiting") == 3
    assert {status for status, _ in await asyncio.gather(*requests)} == {200}
    assert await engine.gauge("num_requests_running") == 0


async def test_a_client_that_leaves_frees_its_slot(engine: Served) -> None:
    engine.core.set_fault(Fault.HANG, 1.0)
    request = asyncio.create_task(engine.complete())
    await engine.until(lambda: engine.core.accepted == 1)
    request.cancel()
    await engine.until(lambda: engine.core.running + engine.core.waiting == 0)


async def test_a_hung_engine_reads_zero_is_healthy_and_answers_when_it_is_let_go(engine: Served) -> None:
    request = asyncio.create_task(engine.complete(max_tokens=50))
    await engine.until(lambda: engine.core.running == 1)
    engine.core.set_fault(Fault.HANG, 1.0)
    second = asyncio.create_task(engine.complete(stream=True))
    await engine.until(lambda: engine.core.accepted == 2)
    assert await engine.gauge("num_requests_running") == 0
    assert await engine.gauge("num_requests_waiting") == 0
    async with engine.client.get("/health") as health:
        assert health.status == 200
    # 50 tokens at 2 ms would have been out after 0.1 s.
    await asyncio.wait((request, second), timeout=0.3)
    assert not request.done()
    second.cancel()
    engine.core.set_fault(Fault.NONE, 1.0)
    assert (await request)[0] == 200


async def test_a_slow_engine_takes_that_much_longer(engine: Served) -> None:
    engine.core.set_fault(Fault.SLOW, 20.0)
    began = asyncio.get_running_loop().time()
    await engine.complete(max_tokens=10)
    # 10 tokens at 2 ms and 3 ms of prefill, times 20, are 0.46 s instead of 0.023 s.
    assert asyncio.get_running_loop().time() - began >= 0.46


@pytest.mark.parametrize(
    ("fault", "completion", "health"),
    [pytest.param(Fault.ERROR500, 500, 200, id="error500"), pytest.param(Fault.UNHEALTHY, 200, 503, id="unhealthy")],
)
async def test_a_fault_shows_where_it_should_until_it_is_taken_back(
    engine: Served, fault: Fault, completion: int, health: int
) -> None:
    async def both() -> tuple[int, int]:
        async with engine.client.get("/health") as answer:
            return (await engine.complete())[0], answer.status

    engine.core.set_fault(fault, 1.0)
    assert await both() == (completion, health)
    engine.core.set_fault(Fault.NONE, 1.0)
    assert await both() == (200, 200)


async def test_wrong_metrics_lack_the_load_gauges(engine: Served) -> None:
    engine.core.set_fault(Fault.WRONG_METRICS, 1.0)
    with pytest.raises(KeyError):
        await engine.gauge("num_requests_running")


async def test_html_metrics_say_so_in_their_type(engine: Served) -> None:
    engine.core.set_fault(Fault.HTML_METRICS, 1.0)
    async with engine.client.get("/metrics") as answer:
        assert (answer.status, answer.content_type) == (200, "text/html")


async def test_a_pinned_load_is_shown_exactly_and_the_truth_returns(engine: Served) -> None:
    engine.core.pin = Pin(running=17, waiting=4)
    assert await engine.gauge("num_requests_running") == 17
    assert await engine.gauge("num_requests_waiting") == 4
    engine.core.pin = Pin()
    assert await engine.gauge("num_requests_running") == 0


async def test_draining_refuses_the_new_and_finishes_the_accepted(engine: Served) -> None:
    accepted = [asyncio.create_task(engine.complete(max_tokens=100)) for _ in range(3)]
    await engine.until(lambda: engine.core.accepted == 3)
    engine.server.draining = True
    assert (await engine.complete())[0] == 500
    await engine.core.wait_idle()
    await engine.server.stop(cut=False)
    assert [status for status, _ in await asyncio.gather(*accepted)] == [200, 200, 200]
    with pytest.raises(aiohttp.ClientConnectorError):
        await engine.complete()


async def test_a_hung_engine_with_a_queue_is_not_idle(engine: Served) -> None:
    engine.core.set_fault(Fault.HANG, 1.0)
    request = asyncio.create_task(engine.complete())
    await engine.until(lambda: engine.core.accepted == 1)
    assert (engine.core.running, engine.core.waiting) == (0, 1)
    idle = asyncio.create_task(engine.core.wait_idle())
    await asyncio.wait((idle,), timeout=0.05)
    assert not idle.done()
    engine.core.set_fault(Fault.NONE, 1.0)
    assert (await request)[0] == 200
    await idle


async def test_a_kill_cuts_what_is_in_flight(engine: Served) -> None:
    engine.core.set_fault(Fault.HANG, 1.0)
    request = asyncio.create_task(engine.complete())
    await engine.until(lambda: engine.core.accepted == 1)
    await engine.server.stop(cut=True)
    with pytest.raises(aiohttp.ClientError):
        await request
