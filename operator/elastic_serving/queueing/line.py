"""The queue of a serving in the numbers of queueing theory; each is worked out only when it is asked for."""

from dataclasses import dataclass

from elastic_serving.queueing.erlang import mean_wait_seconds


@dataclass(frozen=True, slots=True)
class Queue:
    """What waits and what serves it. Rate and time are None until the traffic taught them."""

    waiting: float
    slots: int
    """c: of the replicas that are ready."""
    arrivals_per_second: float | None = None
    """lambda, the mean of some minutes."""
    service_seconds: float | None = None
    """S = 1 / mu: time in a slot."""

    @property
    def eta_seconds(self) -> float | None:
        """When the last in the queue has a slot: waiting / (c mu), as c slots give one back every S / c seconds
        (Little's law). The one at place n waits n / ``waiting`` of it. None where S is not known or nobody serves.

        Example: 12 wait, 2 slots, 6 s a request: 36 s; the fourth gets a slot in 12 s.
        """
        if self.service_seconds is None or self.slots <= 0:
            return None
        return self.waiting * self.service_seconds / self.slots

    @property
    def utilization(self) -> float | None:
        """rho = lambda S / c: above 1 the queue grows. None where the rate is not known or ``eta_seconds`` is None."""
        if self.arrivals_per_second is None or self.service_seconds is None or self.slots <= 0:
            return None
        return self.arrivals_per_second * self.service_seconds / self.slots

    @property
    def wait_seconds(self) -> float | None:
        """W: what a request waits on average if the traffic stays as it is, by Erlang C. None where ``utilization`` is,
        and from a utilization of 1, where there is no such average."""
        rho = self.utilization
        found = rho is not None and rho < 1
        return mean_wait_seconds(self.slots, (rho or 0.0) * self.slots, self.service_seconds or 0.0) if found else None
