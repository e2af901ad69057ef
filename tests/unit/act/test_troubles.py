"""What an error of the API means for the action that met it."""

import pytest

from elastic_serving.act.execute import trouble_kind
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
from elastic_serving.scaling.model import TroubleKind


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        pytest.param(InvalidSpec("x"), TroubleKind.REFUSED, id="the template: wait for an edit"),
        pytest.param(QuotaExceeded("x"), TroubleKind.QUOTA, id="a quota, although it is Forbidden too"),
        pytest.param(Forbidden("x"), TroubleKind.FORBIDDEN, id="policy"),
        pytest.param(Conflict("x"), TroubleKind.CHANGED, id="changed meanwhile"),
        pytest.param(NotFound("x"), TroubleKind.CHANGED, id="gone meanwhile"),
        pytest.param(Transient("x"), TroubleKind.TRANSIENT, id="no answer"),
        pytest.param(AlreadyExists("x"), TroubleKind.TRANSIENT, id="what nobody expected may work next time"),
    ],
)
def test_each_error_says_what_happens_next(error: ElasticServingError, kind: TroubleKind) -> None:
    assert trouble_kind(error) is kind
