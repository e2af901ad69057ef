"""Fixtures of the tests of the client."""

import asyncio
import contextlib

import pytest


@pytest.fixture(scope="session", autouse=True)
def _no_implicit_loop() -> None:
    """End the event loop that Python 3.11 makes for whoever asks before there is one.

    looptime asks even for synchronous tests and nobody closes it, which ``-W error`` blames on some later test.
    """
    policy = asyncio.get_event_loop_policy()
    with contextlib.suppress(RuntimeError):  # there is none any more
        policy.get_event_loop().close()
    policy.set_event_loop(None)
