"""A TCP proxy in a process of its own, which a test can freeze: SIGSTOP leaves connections open and dead.

``python -m tests.support.tunnel HOST:PORT`` prints the address it listens on and passes bytes both ways.
"""

import asyncio
import contextlib
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

LOOPBACK: Final = "127.0.0.1"
ROOT: Final = Path(__file__).resolve().parents[2]
CHUNK_BYTES: Final = 1 << 16


@dataclass(frozen=True, slots=True)
class Tunnel:
    """A running tunnel; ``url`` has the scheme of the server behind it, whose certificate it shows."""

    url: str
    process: "subprocess.Popen[str]"

    def freeze(self) -> None:
        """Pass nothing on from now on, with every connection open."""
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Go on."""
        self.process.send_signal(signal.SIGCONT)


@contextlib.contextmanager
def tunnel_to(server: str) -> Iterator[Tunnel]:
    """A tunnel to the host and port of the URL ``server``."""
    scheme, _, address = server.partition("://")
    command = [sys.executable, "-m", "tests.support.tunnel", address]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            line = process.stdout.readline().strip()
            assert line, "the tunnel did not start"
            yield Tunnel(f"{scheme}://{line}", process)
        finally:
            process.kill()  # a stopped process ends too


async def _serve(host: str, port: int) -> None:
    async def connect(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            behind_reader, behind_writer = await asyncio.open_connection(host, port)
            await asyncio.gather(_copy(reader, behind_writer), _copy(behind_reader, writer))

    server = await asyncio.start_server(connect, LOOPBACK, 0)
    print("{}:{}".format(*server.sockets[0].getsockname()[:2]), flush=True)  # noqa: T201  # its one word
    await asyncio.to_thread(sys.stdin.read)  # until whoever started us has gone


async def _copy(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    try:
        while chunk := await source.read(CHUNK_BYTES):
            sink.write(chunk)
            await sink.drain()
    except OSError:
        return  # one side has gone: so does the other
    finally:
        sink.close()


if __name__ == "__main__":
    name, _, number = sys.argv[1].rpartition(":")
    asyncio.run(_serve(name, int(number)))
