"""Keeps asyncio from making an event loop that nobody closes.

Python 3.11 makes one on the first ``get_event_loop`` of a thread that was never told otherwise; pytest-asyncio 1.5 asks
before its own loop and lets go of the answer, which the garbage collector reports in whatever test runs then.
"""

import asyncio

asyncio.set_event_loop(None)
