"""Objects and files become models here, and nowhere else.

``read`` takes what the API server stored: unknown fields are ignored, so that a rollback of the operator strands
nobody. ``read_file`` takes what a person wrote: unknown fields are refused, and it is held to be a new object.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from elastic_serving.api.base import AS_FILE
from elastic_serving.api.models import ElasticServing
from elastic_serving.errors import InvalidSpec


def read(stored: Mapping[str, Any]) -> ElasticServing:
    """The serving behind an object of the API server; a status that another version wrote and this one cannot read is
    absent. Raises InvalidSpec where the CRD there is not ours."""
    try:
        return _validated(stored, extra="ignore", context=None)
    except InvalidSpec:
        if "status" not in stored:
            raise
    return _validated({name: part for name, part in stored.items() if name != "status"}, extra="ignore", context=None)


def read_file(written: Mapping[str, Any]) -> ElasticServing:
    """The serving of a manifest given as a file. Raises InvalidSpec with one sentence for each mistake."""
    return _validated(written, extra="forbid", context=AS_FILE)


def _validated(given: Mapping[str, Any], *, extra: Literal["ignore", "forbid"], context: str | None) -> ElasticServing:
    try:
        return ElasticServing.model_validate(given, extra=extra, context=context)
    except ValidationError as error:
        raise InvalidSpec("; ".join(sentence(detail) for detail in error.errors(include_url=False))) from error


def sentence(detail: ErrorDetails, what: str = "the manifest") -> str:
    """``spec.drain.timeoutSeconds: -1: input should be greater than or equal to 0``; ``what`` stands for no path."""
    path = _path(detail["loc"]) or what
    problem = detail["msg"]
    if detail["type"] == "value_error":
        return f"{path}: {problem.removeprefix('Value error, ')}"
    if detail["type"] == "missing":
        return f"{path}: required, but not there"
    if detail["type"] == "extra_forbidden":
        return f"{path}: there is no such field"
    if detail["type"] == "json_invalid":
        return (
            f"{path}: not JSON: {problem.removeprefix('Invalid JSON: ').replace(' at line 1 column ', ' at column ')}"
        )
    shown = repr(detail["input"])
    return f"{path}: {shown if len(shown) <= 100 else shown[:99] + '…'}: {problem[0].lower()}{problem[1:]}"


def _path(location: Sequence[int | str]) -> str:
    """``spec.scaling.signals[1].target``, as the API server writes it."""
    steps = (f"[{step}]" if isinstance(step, int) else f".{step}" for step in location)
    return "".join(steps).removeprefix(".")
