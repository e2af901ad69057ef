"""One request of a replay; the workload comes from the simulator's traces and samples."""

from dataclasses import dataclass

from elastic_serving.simulate.result import Requests


@dataclass(frozen=True, slots=True)
class Arrival:
    """One request: when (seconds from the start of the workload) and how many tokens in and out."""

    at_seconds: float
    prompt_tokens: int
    output_tokens: int


def arrivals(requests: Requests) -> tuple[Arrival, ...]:
    """One after another, in order of arrival."""
    columns = requests.arrived.tolist(), requests.prompt_tokens.tolist(), requests.output_tokens.tolist()
    return tuple(map(Arrival, *columns))
