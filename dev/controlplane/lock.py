"""One builder at a time: a lock file beside what is built, held by the kernel and gone with its holder."""

import fcntl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def exclusive(target: Path, on_wait: Callable[[], None]) -> Iterator[None]:
    """Hold the lock of ``target`` (the file ``target``.lock); ``on_wait`` is called when somebody else has it."""
    target.parent.mkdir(parents=True, exist_ok=True)
    # The file stays: removing it would let two holders lock two files of the same name.
    with target.with_name(target.name + ".lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            on_wait()
            fcntl.flock(file, fcntl.LOCK_EX)
        yield
