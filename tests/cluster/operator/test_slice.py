"""The whole path: a manifest is applied, replicas follow the load, and kubectl tells why."""

import pytest

from tests.support.operator import Operator
from tests.support.servings import Servings


@pytest.mark.promise("N2")
async def test_a_spike_raises_the_replicas_in_one_step(operator: Operator, servings: Servings) -> None:
    servings.apply()
    await servings.serving(1)
    servings.load(running=32, waiting=104)  # 136 / 22.4 = 6.07
    status = await servings.serving(7)
    assert status["decision"] | {"time": ""} == {
        "from": 1,
        "to": 7,
        "reason": "Concurrency",
        "time": "",
        "steps": [
            "Concurrency: 136 in flight / 22.4 per replica = 6.1 -> 7",
            "largest signal: Concurrency asks for 7",
            "stabilization: up window 0 s -> 7",
            "limits: 1 to 8 -> 7",
        ],
    }
