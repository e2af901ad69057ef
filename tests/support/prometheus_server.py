"""A server on loopback that stands where Prometheus should, well or badly, as a test tells it."""

import contextlib
import json
import ssl
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

from dev.cluster.certificates import Authority, KeyPair

Reply = Callable[[BaseHTTPRequestHandler], None]
LOOPBACK = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class Asked:
    """One request the server got."""

    path: str
    parameters: dict[str, str]
    headers: dict[str, str]


@dataclass(slots=True)
class StandIn:
    """What the server answers next, and what it saw. ``release`` lets every hanging request end."""

    url: str
    reply: Reply
    asked: list[Asked] = field(default_factory=list)
    connections: int = 0
    release: threading.Event = field(default_factory=threading.Event)


def send(status: int, body: str, content_type: str = "application/json", **headers: str) -> Reply:
    """A reply with ``body``; keyword arguments are more headers, underscores for dashes."""

    def reply(handler: BaseHTTPRequestHandler) -> None:
        raw = body.encode()
        handler.send_response(status)
        for name, value in {"Content-Type": content_type, "Content-Length": str(len(raw)), **headers}.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.end_headers()
        handler.wfile.write(raw)

    return reply


def vector(*elements: tuple[dict[str, str], float | str]) -> Reply:
    """A success with an instant vector of (labels, value)."""
    result = [{"metric": labels, "value": [1795341000.5, str(value)]} for labels, value in elements]
    return success("vector", result)


def success(kind: str, result: object) -> Reply:
    return send(200, json.dumps({"status": "success", "data": {"resultType": kind, "result": result}}))


def hang(stand_in: StandIn) -> Reply:
    """No answer at all until the stand-in is told to release, then an empty vector."""

    def reply(handler: BaseHTTPRequestHandler) -> None:
        stand_in.release.wait(60)
        with contextlib.suppress(OSError):  # the client has gone
            vector()(handler)

    return reply


def cut_off(handler: BaseHTTPRequestHandler) -> None:
    """An answer whose connection ends before its announced length."""
    handler.send_response(200)
    handler.send_header("Content-Type", "application/json")
    handler.send_header("Content-Length", "1000")
    handler.end_headers()
    handler.wfile.write(b'{"status":')
    handler.close_connection = True


@contextlib.contextmanager
def stand_in(
    reply: Reply | None = None, *, certificate: KeyPair | None = None, clients_of: Authority | None = None
) -> Iterator[StandIn]:
    """A running server; with ``certificate`` it speaks TLS, with ``clients_of`` it asks for a client certificate."""
    state = StandIn("", reply or vector())

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def setup(self) -> None:
            super().setup()
            state.connections += 1

        def do_GET(self) -> None:
            split = urlsplit(self.path)
            parameters = {name: values[0] for name, values in parse_qs(split.query).items()}
            state.asked.append(Asked(split.path, parameters, {k.lower(): v for k, v in self.headers.items()}))
            state.reply(self)

        def log_message(self, format: str, *args: object) -> None:  # the base class's name
            """Say nothing."""

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, request: object, client_address: object) -> None:
            """A client that does not like our certificate, or leaves, is what tests are about."""

    server = Server((LOOPBACK, 0), Handler)
    if certificate is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate.certificate, certificate.key)
        if clients_of is not None:
            context.verify_mode = ssl.CERT_REQUIRED
            context.load_verify_locations(clients_of.certificate)
        server.socket = context.wrap_socket(server.socket, server_side=True)
    state.url = f"http{'s' if certificate else ''}://{LOOPBACK}:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield state
    finally:
        state.release.set()
        server.shutdown()
        server.server_close()
        thread.join(5)
