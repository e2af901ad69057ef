"""Queries to Prometheus that never hang, never retry and fail with one sentence. The only place that uses requests.

prometheus-api-client is synchronous, so each query runs in a thread of a bounded pool. A query's place is given back
when its *thread* ends, not when the caller stopped waiting: against a Prometheus that hangs, at most ``concurrency``
threads exist, and what comes on top ends at its own timeout without one.
"""

import asyncio
import contextlib
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any, Protocol, TypeVar

import requests
from prometheus_api_client import PrometheusConnect
from requests.adapters import HTTPAdapter
from urllib3.util.retry import Retry

from elastic_serving.errors import MissingData
from elastic_serving.observe.access import BadCredential, PrometheusAccess, auth_of, session_for
from elastic_serving.observe.series import Line, NotAVector, Series, parse_matrix, parse_vector

_T = TypeVar("_T")


class QueryFailed(MissingData):
    """No usable answer. ``kind`` is one of ``scaling.model.Missing``'s, the message the end of a sentence."""

    def __init__(self, kind: str, reason: str) -> None:
        super().__init__(reason)
        self.kind = kind


class Queries(Protocol):
    """What reading signals needs of Prometheus."""

    async def query(self, promql: str, *, limit: int | None = None) -> Sequence[Series]:
        """The instant vector now; raises QueryFailed."""
        ...


class Prometheus:
    """The Prometheus of ``access``. Connections are kept and reused; close it at the end.

    Answers in at most ``timeout_seconds`` each, however Prometheus behaves. No message contains a credential.
    """

    def __init__(self, access: PrometheusAccess) -> None:
        self._access = access
        self._session = session_for(access)
        self._session.hooks["response"].append(_refuse_errors)
        url = access.url.rstrip("/")
        self._client = PrometheusConnect(url=url, session=self._session, retry=Retry(0), auth=auth_of(access))
        # The library mounts an adapter of ten connections; one for each thread, or they are opened anew every time.
        self._session.mount(url, HTTPAdapter(max_retries=Retry(0), pool_maxsize=access.concurrency))
        self._threads = ThreadPoolExecutor(access.concurrency, thread_name_prefix="prometheus")
        self._places = asyncio.Semaphore(access.concurrency)

    def close(self) -> None:
        """Ends idle threads and connections at once; a thread that waits for Prometheus ends at its timeout."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        self._client.close()

    async def query(self, promql: str, *, limit: int | None = None) -> tuple[Series, ...]:
        """The instant vector (or scalar) that ``promql`` is now, at most ``limit`` series of it.

        Raises QueryFailed: Unreachable, Timeout, Unauthorized, Refused (Prometheus's own words) or BadAnswer.
        """
        return await self._answer(lambda: self._ask(promql, limit))

    async def query_range(self, promql: str, *, start: int, end: int, step_seconds: int) -> tuple[Line, ...]:
        """What ``promql`` was at ``start`` and each step after it, up to ``end`` (included). Raises as ``query``."""
        return await self._answer(lambda: self._ask_range(promql, start, end, step_seconds))

    async def _answer(self, ask: Callable[[], _T]) -> _T:
        """What ``ask`` returns from a thread, or the sentence of its failure."""
        where = self._access.shown_url
        try:
            async with asyncio.timeout(self._access.timeout_seconds):
                await self._places.acquire()
                return await asyncio.wrap_future(self._submit(ask))
        except (TimeoutError, requests.Timeout) as error:
            raise QueryFailed("Timeout", f"{where} did not answer within {self._access.timeout_seconds:g} s") from error
        except _ErrorAnswer as error:
            raise QueryFailed(error.kind, f"{where} answered {error}") from None
        except (requests.ConnectionError, requests.exceptions.ChunkedEncodingError) as error:
            raise QueryFailed("Unreachable", f"{where} is unreachable: {_root_cause(error)}") from None
        except NotAVector as error:
            raise QueryFailed("BadAnswer", f"{where} answered with {error}") from error
        except (KeyError, TypeError, requests.JSONDecodeError):
            raise QueryFailed("BadAnswer", f"{where} answered with something else than Prometheus's JSON") from None
        except BadCredential as error:
            raise QueryFailed("Unauthorized", f"credentials for {where} cannot be used: {error}") from None
        except (requests.RequestException, ValueError) as error:  # the text may quote a header
            raise QueryFailed("Unreachable", f"{where} cannot be asked: {type(error).__name__}") from None
        except OSError as error:
            raise QueryFailed("Unauthorized", f"credentials for {where} cannot be read: {error}") from error

    def _submit(self, ask: Callable[[], _T]) -> "Future[_T]":
        loop = asyncio.get_running_loop()

        def free(_: "Future[_T]") -> None:
            with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits for the place
                loop.call_soon_threadsafe(self._places.release)

        future = self._threads.submit(ask)
        future.add_done_callback(free)
        return future

    def _ask(self, promql: str, limit: int | None) -> tuple[Series, ...]:
        """Runs in a thread, parsing included: a large answer takes tens of milliseconds.

        Prometheus is told the timeout too, so that it does not go on for nobody.
        """
        seconds = self._access.timeout_seconds
        params: Mapping[str, Any] = {"timeout": f"{seconds:g}s", **({"limit": str(limit)} if limit else {})}
        return parse_vector(self._client.custom_query(promql, params=dict(params), timeout=seconds))

    def _ask_range(self, promql: str, start: int, end: int, step_seconds: int) -> tuple[Line, ...]:
        seconds = self._access.timeout_seconds
        first, last = (datetime.fromtimestamp(at, UTC) for at in (start, end))
        params = {"timeout": f"{seconds:g}s"}
        found = self._client.custom_query_range(promql, first, last, str(step_seconds), params=params, timeout=seconds)
        return parse_matrix(found)


class _ErrorAnswer(Exception):
    """An answer that is not Prometheus's success; the text ends the sentence "<url> answered ..."."""

    def __init__(self, kind: str, text: str) -> None:
        super().__init__(text)
        self.kind = kind


def _refuse_errors(response: requests.Response, *_: object, **__: object) -> requests.Response:
    """Response hook: keeps Prometheus's own error sentence, which the client library reduces to a status."""
    content_type = response.headers.get("Content-Type", "no content type").partition(";")[0]
    if response.status_code == 200 and content_type.endswith("json"):
        return response
    with response:  # its connection is given back, or it would stay open until it is garbage
        raise _refusal(response, content_type)


def _refusal(response: requests.Response, content_type: str) -> _ErrorAnswer:
    status = response.status_code
    if status in (401, 403):
        return _ErrorAnswer("Unauthorized", f"HTTP {status}: it does not accept the credentials of the settings")
    if response.is_redirect:
        return _ErrorAnswer("BadAnswer", f"HTTP {status}, a redirect: the settings must name the final address")
    if status < 400:
        return _ErrorAnswer("BadAnswer", f"HTTP {status} with {content_type}, not with Prometheus's JSON")
    body = response.json() if content_type.endswith("json") else {}
    cause, sentence = (body.get("errorType"), body.get("error")) if isinstance(body, dict) else (None, None)
    if not sentence:
        return _ErrorAnswer("Refused", f"HTTP {status} ({content_type})")
    return _ErrorAnswer("Timeout" if cause == "timeout" else "Refused", f"HTTP {status}, {cause}: {sentence}")


def _root_cause(error: BaseException) -> str:
    """The operating system's or TLS's own words, without the request's URL, headers and object addresses."""
    seen: BaseException | None = error
    while seen is not None:
        verify = getattr(seen, "verify_message", "")
        if verify:
            return f"its certificate is not trusted ({verify})"
        if isinstance(seen, OSError) and seen.strerror and not isinstance(seen, requests.RequestException):
            return seen.strerror
        inner = getattr(seen, "reason", None) or (seen.args[0] if seen.args else None)
        seen = seen.__cause__ or seen.__context__ or (inner if isinstance(inner, BaseException) else None)
    return type(error).__name__
