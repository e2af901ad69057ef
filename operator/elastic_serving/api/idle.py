"""When the last replica goes."""

from typing import Annotated

from pydantic import Field

from elastic_serving.api.base import Model, Whole


class Idle(Model):
    """When the last replica goes."""

    timeout_seconds: Annotated[Whole, Field(ge=1, le=604_800)]
    """Seconds without a single request, running or waiting, after which the serving goes to zero. Missing samples are
    not idleness. No default: whoever wants zero weighs this time against the next cold start."""
    last_replica_seconds: Annotated[Whole, Field(ge=0, le=604_800)] = 0
    """Seconds the last replica stays after that, when the others have gone. Default 0: all go at once, because
    timeoutSeconds already is how long one waits for the next request."""
    initial_cooldown_seconds: Annotated[Whole, Field(ge=0, le=604_800)] = 0
    """Seconds from the creation of the serving, or from the end of mode Manual, in which it does not go to zero.
    Default 0: timeoutSeconds holds from the beginning."""
