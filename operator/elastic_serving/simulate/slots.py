"""Requests through slots: one first-come-first-served queue before all slots of all serving replicas.

Theory of operation: a slot is (time it is free, replica, request it last took), and the slots are a heap. The next
request starts where a slot is free first, at the later of its arrival and that time. As capacity changes only at times
the caller names, everything before ``advance(to)`` is final: the caller advances to a change, then makes it.
Per request that is one comparison and one ``heapreplace``: about a microsecond, in order of arrival.
"""

import heapq
import math
from array import array
from collections import Counter
from dataclasses import dataclass, field

from elastic_serving.simulate.result import Requests

_BLOCK = 1 << 16
"""Requests turned into Python numbers at once: as lists they are read three times as fast as array elements."""


@dataclass(slots=True)
class Slots:
    """The queue of ``requests``, each of which needs a slot for as long as ``service`` says (seconds)."""

    requests: Requests
    service: "array[float]"
    waits: "array[float]" = field(init=False)
    """Seconds from arrival to start; infinite until it started, and again where it was lost."""
    begun: int = 0
    """Requests that ever had a slot; those of them that run are in ``running``."""
    _free: list[tuple[float, int, int]] = field(default_factory=list)
    _arrived: list[float] = field(default_factory=list)
    _needed: list[float] = field(default_factory=list)
    _block: int = -1

    def __post_init__(self) -> None:
        self.waits = array("d", [math.inf]) * len(self.service)

    def add(self, replica: int, slots: int, at: float) -> None:
        """``slots`` more, free from ``at`` on."""
        for _ in range(slots):
            heapq.heappush(self._free, (at, replica, -1))

    def take_out(self, replica: int, at: float) -> list[tuple[float, int]]:
        """The replica takes no more requests; those it runs at ``at``, as (end, request)."""
        mine = [slot for slot in self._free if slot[1] == replica]
        self._free = [slot for slot in self._free if slot[1] != replica]
        heapq.heapify(self._free)
        return [(end, request) for end, _, request in mine if end > at]

    def lose(self, request: int) -> None:
        """The request's replica died under it: its client got no answer."""
        self.waits[request] = math.inf

    def running(self, at: float) -> Counter[int]:
        """Requests in a slot at ``at`` by replica, replicas without any left out; ``at`` is not before ``advance``."""
        return Counter(replica for end, replica, _ in self._free if end > at)

    def arrived(self, at: float) -> int:
        """Requests that arrived before ``at``."""
        return int(self.requests.arrived.searchsorted(at))

    def advance(self, to: float) -> None:
        """Start everything that starts before ``to``."""
        free, waits, begun, total = self._free, self.waits, self.begun, len(self.waits)
        while begun < total and free:
            first = self._load(begun)
            arrived, needed = self._arrived, self._needed
            for at in range(begun - first, len(arrived)):
                arrival, (end, replica, _) = arrived[at], free[0]
                start = end if end > arrival else arrival
                if start >= to:
                    self.begun = first + at
                    return
                waits[first + at] = start - arrival
                heapq.heapreplace(free, (start + needed[at], replica, first + at))
            begun = first + len(arrived)
        self.begun = begun

    def _load(self, request: int) -> int:
        """Make the block of ``request`` the present one; its first request."""
        block = request // _BLOCK
        if block != self._block:
            self._block, ours = block, slice(block * _BLOCK, (block + 1) * _BLOCK)
            self._arrived, self._needed = self.requests.arrived[ours].tolist(), self.service[ours].tolist()
        return block * _BLOCK
