"""The one place where the cluster's code waits for something to become true."""

import time
from collections.abc import Callable

POLL_SECONDS = 0.05
"""Short against every wait here (the shortest is a 0.2 s process start), long against one loopback probe (1 ms)."""


def wait_until(holds: Callable[[], bool], *, timeout_seconds: float) -> bool:
    """True as soon as ``holds()`` is true, False when it is still false after ``timeout_seconds``.

    It is asked at least once. What it raises passes through: that is how a wait ends early.
    """
    deadline = time.monotonic() + timeout_seconds
    while not holds():
        if time.monotonic() >= deadline:
            return False
        time.sleep(POLL_SECONDS)
    return True
