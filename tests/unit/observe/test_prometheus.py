"""The client of Prometheus in good and bad worlds: an answer or one sentence, in bounded time, without a credential."""

import asyncio
import base64
import socket
import threading
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from dev.cluster.certificates import Authority
from elastic_serving.observe.access import PrometheusAccess
from elastic_serving.observe.prometheus import Prometheus, QueryFailed
from elastic_serving.observe.series import Series
from tests.support.prometheus_server import LOOPBACK, Reply, cut_off, hang, send, stand_in, success, vector

HTML = "<html><body>Sign in</body></html>"
PARSE_ERROR = (
    '{"status":"error","errorType":"bad_data","error":"invalid parameter \\"query\\": 1:5: parse error: unclosed left"}'
)
UP = vector(({"job": "a"}, 7))


@asynccontextmanager
async def client(url: str, **access: Any) -> AsyncIterator[Prometheus]:
    made = Prometheus(PrometheusAccess(url, **{"timeout_seconds": 5.0, **access}))
    try:
        yield made
    finally:
        made.close()


async def failure(prometheus: Prometheus, promql: str = "up") -> tuple[str, str]:
    with pytest.raises(QueryFailed) as caught:
        await prometheus.query(promql)
    return caught.value.kind, str(caught.value)


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        pytest.param(vector(), (), id="empty"),
        pytest.param(
            vector(({"job": "a"}, 7), ({}, "-0.5")),
            (Series({"job": "a"}, 7.0, 1795341000.5), Series({}, -0.5, 1795341000.5)),
            id="two series",
        ),
        pytest.param(success("scalar", [12.5, "3"]), (Series({}, 3.0, 12.5),), id="a scalar is one series"),
        pytest.param(vector(({}, "+Inf")), (Series({}, float("inf"), 1795341000.5),), id="infinity stays infinity"),
    ],
)
async def test_an_answer_becomes_series(reply: Reply, expected: tuple[Series, ...]) -> None:
    with stand_in(reply) as server:
        async with client(server.url) as prometheus:
            assert await prometheus.query('up{a="b"}', limit=3) == expected
    asked = server.asked[0]
    assert asked.path == "/api/v1/query"
    assert asked.parameters == {"query": 'up{a="b"}', "limit": "3", "timeout": "5s"}


@pytest.mark.parametrize(
    ("reply", "kind", "says"),
    [
        pytest.param(
            send(400, PARSE_ERROR),
            "Refused",
            'answered HTTP 400, bad_data: invalid parameter "query": 1:5: parse error: unclosed left',
            id="Prometheus's own words",
        ),
        pytest.param(
            send(503, '{"status":"error","errorType":"timeout","error":"query timed out in expression evaluation"}'),
            "Timeout",
            "answered HTTP 503, timeout: query timed out in expression evaluation",
            id="Prometheus gave up by itself",
        ),
        pytest.param(send(502, HTML, "text/html"), "Refused", "answered HTTP 502 (text/html)", id="a proxy's error"),
        pytest.param(send(500, "[]"), "Refused", "answered HTTP 500 (application/json)", id="an error without words"),
        pytest.param(
            send(200, HTML, "text/html; charset=utf-8"),
            "BadAnswer",
            "answered HTTP 200 with text/html, not with Prometheus's JSON",
            id="HTML",
        ),
        pytest.param(
            send(302, "", Location="https://login.example/"),
            "BadAnswer",
            "answered HTTP 302, a redirect: the settings must name the final address",
            id="a login page",
        ),
        pytest.param(
            send(401, HTML, "text/html"),
            "Unauthorized",
            "answered HTTP 401: it does not accept the credentials of the settings",
            id="unauthorized",
        ),
        pytest.param(
            send(403, "no", "text/plain"),
            "Unauthorized",
            "answered HTTP 403: it does not accept the credentials of the settings",
            id="forbidden",
        ),
        pytest.param(
            send(200, '{"status":'), "BadAnswer", "answered with something else than Prometheus's JSON", id="half JSON"
        ),
        pytest.param(
            send(200, '{"data":{}}'), "BadAnswer", "answered with something else than Prometheus's JSON", id="no result"
        ),
        pytest.param(
            send(200, "[]"), "BadAnswer", "answered with something else than Prometheus's JSON", id="a bare list"
        ),
        pytest.param(
            success("matrix", [{"metric": {}, "values": [[1, "2"]]}]),
            "BadAnswer",
            "answered with a range vector: the query must not end in a range like [5m]",
            id="a range vector",
        ),
        pytest.param(
            success("string", [1, "text"]),
            "BadAnswer",
            "answered with a sample that is not a pair of time and number",
            id="a string",
        ),
        pytest.param(cut_off, "Unreachable", "is unreachable: ", id="the connection breaks in the answer"),
    ],
)
async def test_a_bad_answer_is_one_sentence_and_the_next_good_one_is_taken(reply: Reply, kind: str, says: str) -> None:
    with stand_in(reply) as server:
        async with client(server.url) as prometheus:
            got_kind, sentence = await failure(prometheus)
            assert (got_kind, sentence[: len(server.url)]) == (kind, server.url)
            assert sentence.startswith(f"{server.url} {says}")
            server.reply = UP
            assert [s.value for s in await prometheus.query("up")] == [7.0]


async def test_nobody_there_is_unreachable_and_somebody_later_is_reached() -> None:
    with socket.create_server((LOOPBACK, 0)) as taken:
        port = taken.getsockname()[1]
    async with client(f"http://{LOOPBACK}:{port}") as prometheus:
        assert await failure(prometheus) == (
            "Unreachable",
            f"http://127.0.0.1:{port} is unreachable: Connection refused",
        )


async def test_a_name_without_an_address_is_unreachable() -> None:
    async with client("http://prometheus.invalid:9090") as prometheus:
        kind, sentence = await failure(prometheus)
    assert kind == "Unreachable"
    assert sentence.startswith("http://prometheus.invalid:9090 is unreachable: ")


async def test_a_prometheus_that_hangs_costs_its_timeout_and_no_more_than_its_threads() -> None:
    with stand_in() as server:
        server.reply = hang(server)
        async with client(server.url, timeout_seconds=0.3, concurrency=2) as prometheus:
            began = time.monotonic()
            failures = await asyncio.gather(*(failure(prometheus) for _ in range(10)))
            took = time.monotonic() - began
            assert failures == [("Timeout", f"{server.url} did not answer within 0.3 s")] * 10
            # All ten waited side by side: 0.3 s, not five rounds of two.
            assert took < 1.5
            # Two threads; each may have begun a second request in the moment in which all ten gave up.
            assert len(server.asked) <= 4
            server.release.set()
            server.reply = UP
            assert [s.value for s in await _first_answer(prometheus)] == [7.0]


async def _first_answer(prometheus: Prometheus) -> tuple[Series, ...]:
    """The first answer after the threads that hung have ended at requests' own timeout."""
    for _ in range(20):
        try:
            return await prometheus.query("up")
        except QueryFailed:
            continue
    raise AssertionError("no answer after 20 timeouts")


@pytest.mark.promise("U15")
async def test_connections_are_reused() -> None:
    with stand_in(UP) as server:
        async with client(server.url) as prometheus:
            for _ in range(20):
                await prometheus.query("up")
    assert (len(server.asked), server.connections) == (20, 1)


@pytest.mark.promise("U15")
async def test_as_many_connections_are_kept_as_queries_run_at_once() -> None:
    barrier = threading.Barrier(12, timeout=10)

    def together(handler: Any) -> None:
        barrier.wait()
        UP(handler)

    with stand_in(together) as server:
        async with client(server.url, concurrency=12) as prometheus:
            for _ in range(3):
                await asyncio.gather(*(prometheus.query("up") for _ in range(12)))
    assert (len(server.asked), server.connections) == (36, 12)


@pytest.mark.promise("U15")
async def test_a_bearer_token_is_read_anew_for_each_query(tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("first\n")
    with stand_in(UP) as server:
        async with client(server.url, bearer_token_file=token) as prometheus:
            await prometheus.query("up")
            token.write_text("second\n")
            await prometheus.query("up")
            token.unlink()
            kind, sentence = await failure(prometheus)
    assert [asked.headers["authorization"] for asked in server.asked] == ["Bearer first", "Bearer second"]
    assert kind == "Unauthorized"
    assert sentence.startswith(f"credentials for {server.url} cannot be read: ")


@pytest.mark.promise("U15")
async def test_basic_authentication_tenant_and_headers_are_sent(tmp_path: Path) -> None:
    password = tmp_path / "password"
    password.write_text("pa:ss wörd\n")
    with stand_in(UP) as server:
        access = {"username": "anna", "password_file": password, "tenant": "team-a", "headers": {"X-Cluster": "one"}}
        async with client(server.url, **access) as prometheus:
            await prometheus.query("up")
    headers = server.asked[0].headers
    assert base64.b64decode(headers["authorization"].removeprefix("Basic ")).decode() == "anna:pa:ss wörd"
    assert (headers["x-scope-orgid"], headers["x-cluster"]) == ("team-a", "one")


@pytest.mark.promise("U15")
async def test_only_the_named_authority_is_trusted(tmp_path: Path) -> None:
    ours, theirs = _authority(tmp_path / "ours"), _authority(tmp_path / "theirs")
    with stand_in(UP, certificate=ours.server("prometheus", hosts=(LOOPBACK,))) as server:
        async with client(server.url, ca_file=ours.certificate) as prometheus:
            assert [s.value for s in await prometheus.query("up")] == [7.0]
        async with client(server.url, ca_file=theirs.certificate) as prometheus:
            kind, sentence = await failure(prometheus)
    assert kind == "Unreachable"
    assert sentence.startswith(f"{server.url} is unreachable: its certificate is not trusted (")
    assert len(server.asked) == 1


@pytest.mark.promise("U15")
async def test_a_client_certificate_is_shown(tmp_path: Path) -> None:
    authority = _authority(tmp_path)
    pair = authority.client("operator", user="operator")
    server_pair = authority.server("prometheus", hosts=(LOOPBACK,))
    with stand_in(UP, certificate=server_pair, clients_of=authority) as server:
        access = {"ca_file": authority.certificate, "cert_file": pair.certificate, "key_file": pair.key}
        async with client(server.url, **access) as prometheus:
            assert [s.value for s in await prometheus.query("up")] == [7.0]
        async with client(server.url, ca_file=authority.certificate) as prometheus:
            kind, _ = await failure(prometheus)
    assert kind == "Unreachable"
    assert len(server.asked) == 1


def _authority(directory: Path) -> Authority:
    directory.mkdir(exist_ok=True)
    return Authority(directory)


@pytest.mark.parametrize("reply", [send(401, "no"), send(500, HTML, "text/html"), send(200, HTML, "text/html")])
async def test_no_sentence_and_no_cause_holds_a_credential(reply: Reply, tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("s3cret\nInjected: header")
    with stand_in(reply) as server:
        url = server.url.replace("://", "://anna:s3cret@")
        for access in ({}, {"headers": {"X-Key": "s3cret"}}, {"bearer_token_file": token}):
            async with client(url, **access) as prometheus:
                with pytest.raises(QueryFailed) as caught:
                    await prometheus.query("up")
            assert "s3cret" not in _all_text(caught.value)
            assert "s3cret" not in repr(PrometheusAccess("http://p", headers={"X-Key": "s3cret"}))


def _all_text(error: BaseException | None) -> str:
    """What a log of the exception and its visible causes would hold."""
    texts = []
    while error is not None:
        texts.append(repr(error))
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    return " ".join(texts)


async def test_user_and_password_of_the_url_are_used_and_not_shown() -> None:
    with stand_in(UP) as server:
        async with client(server.url.replace("://", "://anna:s3cret@")) as prometheus:
            await prometheus.query("up")
    assert base64.b64decode(server.asked[0].headers["authorization"].removeprefix("Basic ")) == b"anna:s3cret"
    assert PrometheusAccess("http://anna:s3cret@p:9090/mimir/?x=1").shown_url == "http://p:9090/mimir"


async def test_the_environment_has_no_say(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text(f"machine {LOOPBACK} login netrc password netrc\n")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.setenv("NETRC", str(netrc))
    with stand_in(UP) as server:
        async with client(server.url) as prometheus:
            assert [s.value for s in await prometheus.query("up")] == [7.0]
    assert "authorization" not in server.asked[0].headers


async def test_a_path_before_the_api_is_kept() -> None:
    with stand_in(UP) as server:
        async with client(f"{server.url}/prometheus/") as prometheus:
            await prometheus.query("up")
    assert server.asked[0].path == "/prometheus/api/v1/query"
