"""Fixtures of the observing tests."""

import asyncio

import pytest


@pytest.fixture(scope="session", autouse=True)
def _no_implicit_loop() -> None:
    """Python 3.11 makes an event loop for whoever asks before there is one; pytest-asyncio asks and never closes it."""
    asyncio.set_event_loop(None)
