"""What the API server's refusals mean to the caller."""

import pytest

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
from elastic_serving.kube.refusals import PageExpired, error_for

QUOTA = (
    'pods "llama-0-0" is forbidden: exceeded quota: team-a, requested: requests.nvidia.com/gpu=1, used: 4, limited: 4'
)


def status(reason: str, message: str, **details: object) -> dict[str, object]:
    return {"kind": "Status", "status": "Failure", "reason": reason, "message": message, "details": details}


@pytest.mark.parametrize(
    ("code", "answer", "expected", "says"),
    [
        (404, status("NotFound", 'pods "a" not found'), NotFound, 'get /x: pods "a" not found'),
        (409, status("AlreadyExists", 'pods "a" already exists'), AlreadyExists, 'get /x: pods "a" already exists'),
        pytest.param(
            409,
            status("Conflict", 'Operation cannot be fulfilled on resourcequotas "q"'),
            Conflict,
            'get /x: Operation cannot be fulfilled on resourcequotas "q"',
            id="409 on a create whose quota changed meanwhile is no name that is taken",
        ),
        (403, status("Forbidden", QUOTA), QuotaExceeded, f"get /x: {QUOTA}"),
        (403, status("Forbidden", "violates PodSecurity"), Forbidden, "get /x: violates PodSecurity"),
        (401, status("Unauthorized", "Unauthorized"), Forbidden, "get /x: the API server does not accept the cred"),
        (410, status("Expired", "the continue token is too old"), PageExpired, "get /x: the continue token is too old"),
        pytest.param(
            422,
            status("Invalid", "the server rejected our request due to an error in our request"),
            Conflict,
            "get /x: the patch does not fit the object as it is now: a test failed, or a path is not there",
            id="422 for a JSON patch's failed test names no object",
        ),
        pytest.param(
            422,
            status("Invalid", "field is immutable", kind="Pod", causes=[{"field": "metadata.uid"}]),
            Conflict,
            "get /x: the object is another one now: its uid has changed",
            id="422 for an apply to a namesake",
        ),
        pytest.param(
            422,
            status("Invalid", "Pod is invalid: image: Required", kind="Pod", causes=[{"field": "spec.image"}]),
            InvalidSpec,
            "Pod is invalid: image: Required",
            id="422 for an object that is wrong: the server's sentence alone",
        ),
        (400, status("BadRequest", "strict decoding error"), InvalidSpec, "strict decoding error"),
        (415, None, InvalidSpec, "HTTP 415"),
        (429, status("TooManyRequests", "too many requests"), Transient, "get /x: too many requests"),
        (500, status("InternalError", "etcdserver: request timed out"), Transient, "get /x: etcdserver: request time"),
        (503, None, Transient, "get /x: HTTP 503"),
        pytest.param(502, "<html>", Transient, "get /x: HTTP 502", id="a proxy's page"),
        pytest.param(
            422,
            status("Invalid", "odd", kind="Pod", causes="none"),
            InvalidSpec,
            "odd",
            id="causes of the wrong type are none",
        ),
    ],
)
def test_a_refusal_becomes_the_error_that_says_what_to_do(
    code: int, answer: object, expected: type[ElasticServingError], says: str
) -> None:
    error = error_for(code, answer, "get /x")
    assert type(error) is expected
    assert str(error).startswith(says)
