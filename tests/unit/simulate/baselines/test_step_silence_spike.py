"""A step, a silence and a spike, and what each baseline's documentation says it does: rows of (seconds, number).

Replicas are ready at once, each request counts once, the target is 10, 1 to 100 replicas.
"""

from collections.abc import Callable

import pytest

from elastic_serving.simulate.baselines.hpa import Hpa
from elastic_serving.simulate.baselines.keda import Keda
from elastic_serving.simulate.baselines.kpa import Kpa
from elastic_serving.simulate.baselines.static import Static
from elastic_serving.simulate.baselines.terms import Terms
from elastic_serving.simulate.policy import Policy
from tests.support.scaling import seen_of

TERMS = Terms(1, 100, 10)


def step(now: float) -> float:
    """5 requests, from 120 s on 230."""
    return 5 if now < 120 else 230


def silence(now: float) -> float:
    """80 requests, from 120 s on none."""
    return 80 if now < 120 else 0


def spike(now: float) -> float:
    """20 requests, and 100 more from 120 s to 130 s."""
    return 120 if 120 <= now < 130 else 20


def changes(policy: Policy, load: Callable[[float], float], start: int, until: float) -> list[tuple[float, int]]:
    """When the number changed, and to what, over ``until`` seconds."""
    current, changed, now = start, [], 0.0
    while now < until:
        each = load(now) / current
        wished = policy.desired(seen_of({"Concurrency": [each] * current}, at=now, current=current), now).replicas
        if wished != current:
            changed.append((now, wished))
        current, now = wished, now + policy.interval_seconds
    return changed


@pytest.mark.parametrize(
    ("policy", "load", "start", "expected"),
    [
        # 23 are needed; HPA and KEDA's HPA double or add four each 15 s.
        pytest.param(Hpa(TERMS), step, 1, [(120, 5), (135, 10), (150, 20), (165, 23)], id="hpa, step"),
        pytest.param(Keda(TERMS), step, 1, [(120, 5), (135, 10), (150, 20), (165, 23)], id="keda, step"),
        # Over 6 s: (5 + 5 + 230) / 3 = 80 -> 8 of 1 is panic; (5 + 460) / 3 = 155 -> 16; 230 -> 23; it never decreases.
        pytest.param(Kpa(TERMS), step, 1, [(120, 8), (122, 16), (124, 23)], id="kpa, step"),
        pytest.param(Static(7), step, 7, [], id="static, step"),
        # 8 were asked for at 105 s; that leaves the window of 300 s at 405 s.
        pytest.param(Hpa(TERMS), silence, 8, [(405, 1)], id="hpa, silence"),
        pytest.param(Keda(TERMS), silence, 8, [(405, 1)], id="keda, silence"),
        # k samples of 80 of 30 are left k x 80 / 30: 26 ask for 7 (69.3), 22 for 6 (58.7), 18 for 5, 15 for 4 (40.0),
        # 11 for 3 (29.3), 7 for 2 (18.7), 3 for 1 (8.0). The first sample of the silence leaves 29, so 26 are at 126 s.
        pytest.param(
            Kpa(TERMS),
            silence,
            8,
            [(126, 7), (134, 6), (142, 5), (148, 4), (156, 3), (164, 2), (172, 1)],
            id="kpa, silence",
        ),
        # One sync sees 120: 12 asked for, 6 allowed (2 + 4); then 2 again, held for 300 s since the 12 of 120 s.
        pytest.param(Hpa(TERMS), spike, 2, [(120, 6), (420, 2)], id="hpa, spike"),
        pytest.param(Keda(TERMS), spike, 2, [(120, 6), (420, 2)], id="keda, spike"),
        # Over 6 s (20 + 20 + 120) / 3 = 53.3 -> 6 of 2 is panic; (20 + 240) / 3 = 86.7 -> 9; 120 -> 12. 9 of 6 and 12
        # of 9 are no reason any more, so it ends once 120 + 60 lies before now: at 182 s. Three samples of 120 (124,
        # 126, 128 s) are then after 122 s: (27 x 20 + 360) / 30 = 30 -> 3, but at least half of 12: 6. Two of them:
        # 26.7 -> 3, half of 6 is 3. One: 23.3 -> 3. None at 188 s: 2.
        pytest.param(
            Kpa(TERMS), spike, 2, [(120, 6), (122, 9), (124, 12), (182, 6), (184, 3), (188, 2)], id="kpa, spike"
        ),
        pytest.param(Static(7), spike, 7, [], id="static, spike"),
    ],
)
def test_it_does_what_its_documentation_says(
    policy: Policy, load: Callable[[float], float], start: int, expected: list[tuple[float, int]]
) -> None:
    assert changes(policy, load, start, 450) == expected
