"""What a queue asks for while a new replica would still be booting."""

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from elastic_serving.api.base import Model, Whole


class BacklogPolicy(StrEnum):
    """What a queue asks for."""

    DRAIN_AWARE = "DrainAware"
    IGNORE = "Ignore"


class Backlog(Model):
    """Whether what is in flight now is held against what there will be to do when a new replica could serve."""

    policy: BacklogPolicy = BacklogPolicy.DRAIN_AWARE
    """DrainAware: a queue that the present and the starting replicas drain before a new one could be ready starts
    nothing, a longer one as many as drain the rest within drainHorizonSeconds, and requests that vary by chance change
    nothing. Until it is known how fast requests arrive, how long they take and how long a boot lasts, and for engines
    that do not count finished requests, it is Ignore. Ignore: Kubernetes' own arithmetic alone. Default DrainAware: a
    boot takes minutes, and what is in flight meanwhile is no measure of what is needed."""
    drain_horizon_seconds: Annotated[Whole, Field(ge=1, le=3600)] = 120
    """Seconds within which new replicas should have drained what waits for them, from when they are ready. Shorter
    serves a burst sooner and starts more replicas for it. Default 120: about one boot, so a step of the load starts at
    most one and a half times what it needs in the end."""
