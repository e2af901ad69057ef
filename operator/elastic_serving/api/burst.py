"""How a leap of the load is told from a rise, and how it is answered."""

from typing import Annotated

from pydantic import Field

from elastic_serving.api.base import Model, Number, Whole


class Burst(Model):
    """Burst mode: past the up window on a leap, and no shrinking before it is surely over."""

    window_seconds: Annotated[Whole, Field(ge=5, le=600)] = 10
    """While a burst lasts, the number is the most that was asked for within this many seconds. Default 10: a few
    scrapes, so that the dip between two waves of requests does not count."""
    threshold: Annotated[Number, Field(gt=1, le=1000)] = 2
    """A burst begins when the signals ask for at least this many times the replicas that serve. Default 2, as
    Knative's panic threshold of 200 %."""
