"""One process we started: its log, whether it lives, and its sure end together with what it started.

A process is known by pid *and* start time, so that a reused pid is never signalled. Tethered processes die with us
(see ``tether.py``); the others outlive the command that started them and are found again through ``Identity``.
"""

import os
import select
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from dev.cluster.errors import ClusterError

KILL_SECONDS = 5.0
"""How long the kernel may take to remove a process after SIGKILL; it takes milliseconds unless a disk hangs."""
TAIL_LINES = 15


@dataclass(frozen=True, slots=True)
class Identity:
    """Names one process for ever: ``started`` is field 22 of /proc/PID/stat (clock ticks after boot)."""

    pid: int
    started: int

    @classmethod
    def of(cls, pid: int) -> "Identity | None":
        """The identity of the process that has ``pid`` now; None if none has."""
        try:
            stat = Path(f"/proc/{pid}/stat").read_text()
        except (FileNotFoundError, ProcessLookupError):
            return None
        # The command's name stands in brackets and may hold spaces and brackets itself.
        fields = stat.rpartition(")")[2].split()
        return None if fields[0] in "ZX" else cls(pid, int(fields[19]))

    @property
    def is_alive(self) -> bool:
        """Whether this very process still runs; a zombie does not."""
        return Identity.of(self.pid) == self


class Spawner:
    """Starts processes from one thread of its own, so that tethered ones live exactly as long as the spawner."""

    def __init__(self, *, tethered: bool) -> None:
        self._tethered = tethered
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="spawner")
        self._started: list[Process] = []

    def start(
        self,
        name: str,
        command: Sequence[str],
        *,
        log: Path,
        environment: Mapping[str, str],
        directory: Path,
        inherit: Sequence[int] = (),
    ) -> "Process":
        """A running process in a group of its own; its output is appended to ``log``.

        It inherits the file descriptors of ``inherit`` and of nothing else.
        """
        return self._thread.submit(self._start, name, command, log, environment, directory, inherit).result()

    def _start(
        self,
        name: str,
        command: Sequence[str],
        log: Path,
        environment: Mapping[str, str],
        directory: Path,
        inherit: Sequence[int],
    ) -> "Process":
        tether = Path(__file__).with_name("tether.py")
        prefix = [sys.executable, "-I", "-S", str(tether), str(os.getpid())] if self._tethered else []
        with log.open("ab") as output:
            child = subprocess.Popen(
                [*prefix, *command],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env=dict(environment),
                cwd=directory,
                start_new_session=True,  # a Ctrl-C in the terminal is for us; we end the parts in order
                pass_fds=inherit,
            )
        identity = Identity.of(child.pid) or Identity(child.pid, -1)
        process = Process(name=name, identity=identity, log=log, child=child)
        self._started.append(process)
        return process

    def close(self) -> None:
        """Kill what was started and still runs; nothing can be started any more.

        That includes a process whose start was interrupted by Ctrl-C before anybody learned of it.
        """
        self._thread.shutdown(wait=True)
        for process in self._started:
            process.stop(patience_seconds=0)


@dataclass(slots=True)
class Process:
    """A process and its log. ``child`` is None for one that another run of ours started."""

    name: str
    identity: Identity
    log: Path
    child: subprocess.Popen[bytes] | None = None

    @property
    def is_alive(self) -> bool:
        """Whether it still runs."""
        return self.identity.is_alive

    def must_live(self) -> None:
        """Raise ClusterError with the log's tail if it has ended."""
        if not self.is_alive:
            status = self.child.poll() if self.child else None
            raise ClusterError(f"{self.name} ended{'' if status is None else f' with status {status}'}; {self.tail()}")

    def tail(self, lines: int = TAIL_LINES) -> str:
        """The log's path and its last lines, for an error message."""
        text = self.log.read_text(errors="replace") if self.log.exists() else ""
        last = text.splitlines()[-lines:]
        return f"the last lines of {self.log}:\n" + "\n".join(f"  {line}" for line in last or ["(empty)"])

    def stop(self, *, patience_seconds: float) -> None:
        """End it and its process group: SIGTERM, and SIGKILL after ``patience_seconds`` (0: SIGKILL at once).

        Returns when it is gone; gone already is fine. Raises ClusterError if even SIGKILL does not end it.
        """
        try:
            self._stop(patience_seconds)
        finally:
            if self.child is not None and not self.is_alive:
                self.child.wait(timeout=KILL_SECONDS)

    def _stop(self, patience_seconds: float) -> None:
        if self.child is not None and self.child.returncode is not None:
            return  # collected before: its pid may be somebody else's by now
        try:
            handle = os.pidfd_open(self.identity.pid)
        except ProcessLookupError:
            return
        try:
            if not self.is_alive and self.child is None:
                return
            # The handle pins the identity: from here on the pid cannot become somebody else's unnoticed.
            if self.is_alive and patience_seconds > 0:
                self._signal_group(signal.SIGTERM)
                _ended(handle, patience_seconds)
            self._signal_group(signal.SIGKILL)  # the stubborn one, and whatever an ended one left in its group
            if not _ended(handle, KILL_SECONDS):
                raise ClusterError(f"{self.name} (pid {self.identity.pid}) survives SIGKILL; is a disk hanging?")
        finally:
            os.close(handle)

    def _signal_group(self, signal_number: signal.Signals) -> None:
        try:
            os.killpg(self.identity.pid, signal_number)
        except (ProcessLookupError, PermissionError):
            return  # nothing left in the group


@contextmanager
def uninterrupted() -> Iterator[None]:
    """Ctrl-C has no effect meanwhile: for the few seconds in which processes are ended."""
    if threading.current_thread() is not threading.main_thread():  # only there it interrupts
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _ended(handle: int, timeout_seconds: float) -> bool:
    poll = select.poll()
    poll.register(handle, select.POLLIN)
    return bool(poll.poll(timeout_seconds * 1000))
