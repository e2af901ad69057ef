"""One streamed completion, measured as a client sees it."""

import asyncio
from dataclasses import dataclass
from typing import Final

import aiohttp

from dev.traffic.arrivals import Arrival

DATA: Final = b"data:"
DONE: Final = b"[DONE]"


@dataclass(frozen=True, slots=True)
class Answer:
    """Loop times of the first event with content, if one came, and what went wrong, if something did."""

    first_token_at: float | None
    error: str | None


def open_session(max_in_flight: int) -> aiohttp.ClientSession:
    """One connection per request: leaving a Service does not end a kept-alive one, and a drain would lose it."""
    connector = aiohttp.TCPConnector(limit=max_in_flight, force_close=True)
    return aiohttp.ClientSession(connector=connector, timeout=aiohttp.ClientTimeout(total=None))


async def ask(session: aiohttp.ClientSession, url: str, arrival: Arrival, model: str | None, seconds: float) -> Answer:
    """The answer's course within ``seconds``; errors are words for a count: refused, http 500, cut, stream, timeout."""
    body = {
        **({"model": model} if model else {}),
        "prompt": "token " * arrival.prompt_tokens,
        "max_tokens": max(1, arrival.output_tokens),
        "stream": True,
    }
    first_token_at: float | None = None
    error: str | None = "cut"
    try:
        async with asyncio.timeout(seconds), session.post(f"{url}/v1/completions", json=body) as response:
            if response.status != 200:
                return Answer(None, f"http {response.status}")
            async for line in response.content:
                if not line.startswith(DATA):
                    continue
                event = line[len(DATA) :].strip()
                if event == DONE:
                    error = None
                    break
                if event.startswith(b'{"error"'):
                    error = "stream"
                    break
                first_token_at = first_token_at or asyncio.get_running_loop().time()
    except TimeoutError:
        error = "timeout"
    except aiohttp.ClientConnectorError:
        error = "refused"
    except (aiohttp.ClientError, ConnectionError):
        error = "cut"
    return Answer(first_token_at, error)
