"""What an error answer of the API server means, as one of ``elastic_serving.errors``. Pure."""

from typing import Final

from elastic_serving.errors import (
    AlreadyExists,
    Conflict,
    ElasticServingError,
    Forbidden,
    InvalidSpec,
    NotFound,
    QuotaExceeded,
    Transient,
)

PATCH_NOT_APPLICABLE: Final = "UnexpectedServerResponse"
"""Cause of a 422 that is about the patch, not the object: a ``test`` that failed, or a path that is not there any more.

Source: kubernetes apiserver pkg/endpoints/handlers/patch.go, jsonPatcher.applyPatchToCurrentObject (read 2026-11-22).
"""


class PageExpired(Transient):
    """410: the revision behind a list's page token has been compacted; the list must start again."""


def error_for(status: int, answer: object, what: str) -> ElasticServingError:
    """The error for HTTP ``status`` with the (parsed) body ``answer``; its message is the server's own sentence.

    ``answer`` is a Kubernetes Status, or anything else where a proxy answered instead. 409 is AlreadyExists only
    where the server says so: a quota that was updated meanwhile also answers a create with 409.
    """
    body = answer if isinstance(answer, dict) else {}
    reason = str(body.get("reason") or "")
    message = str(body.get("message") or f"HTTP {status}")
    sentence = f"{what}: {message}"
    match status:
        case 404:
            return NotFound(sentence)
        case 409:
            return AlreadyExists(sentence) if reason == "AlreadyExists" else Conflict(sentence)
        case 403:
            return QuotaExceeded(sentence) if "exceeded quota" in message else Forbidden(sentence)
        case 401:
            return Forbidden(f"{what}: the API server does not accept the credentials (HTTP 401)")
        case 410:
            return PageExpired(sentence)
        case 422 if cause := _failed_patch(body):
            return Conflict(f"{what}: {cause}")
        case 429:
            return Transient(sentence)
        case _ if status >= 500:
            return Transient(sentence)
        case _:
            return InvalidSpec(message)


def _failed_patch(body: "dict[str, object]") -> str:
    """Why the patch did not fit the object as it is now; empty where the object itself was refused."""
    details = body.get("details")
    causes = details.get("causes") if isinstance(details, dict) else None
    for cause in causes if isinstance(causes, list) else ():
        if isinstance(cause, dict) and cause.get("reason") == PATCH_NOT_APPLICABLE:
            return str(cause.get("message"))
    return ""
