"""What an error answer of the API server means, as one of ``elastic_serving.errors``. Pure."""

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
        case 422 if cause := _outdated(body):
            return Conflict(f"{what}: {cause}")
        case 429:
            return Transient(sentence)
        case _ if status >= 500:
            return Transient(sentence)
        case _:
            return InvalidSpec(message)


def _outdated(body: "dict[str, object]") -> str:
    """Why a 422 is about an object that has changed or is another one meanwhile; empty where the object is wrong.

    A JSON patch whose ``test`` fails, or whose path is gone, is refused without naming an object; a server-side apply
    with the uid of a predecessor is refused for changing ``metadata.uid``. Seen on kube-apiserver 1.36.
    """
    details = body.get("details")
    details = details if isinstance(details, dict) else {}
    if not details.get("kind"):
        return "the patch does not fit the object as it is now: a test failed, or a path is not there"
    causes = details.get("causes")
    fields = [cause.get("field") for cause in causes if isinstance(cause, dict)] if isinstance(causes, list) else []
    return "the object is another one now: its uid has changed" if "metadata.uid" in fields else ""
