"""Asynchronous tests without a left-over event loop."""

import asyncio

# pytest-asyncio asks for the present loop before it sets its own; where none was ever set asyncio makes one, which
# nobody closes, and under -W error its ResourceWarning fails whichever test the garbage collector meets.
asyncio.set_event_loop(None)
