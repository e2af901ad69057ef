"""Before fewer replicas: would the rest absorb the worst load that was seen lately?

What was given up takes a boot to come back, and bursts do not wait for it. So the number goes down only as far as the
slots of the rest (all of them, without the target's headroom) hold the higher of

- the highest load of the last 15 minutes: traffic that comes in bursts comes in bursts again;
- its mean plus three standard deviations: traffic that varies without bursts exceeds that once in some hundred times.
"""

import math
from typing import Final

from elastic_serving.scaling.model import Step
from elastic_serving.scaling.pipeline import Move, Tick
from elastic_serving.scaling.recommend import NOISE

DEVIATIONS: Final = 3.0


def worst_case(replicas: int, tick: Tick) -> Move | None:
    """The number, or as many of the present ones as the worst load lately needs; nothing where that is not known.

    To zero is another question: there the idle window answers.
    """
    if replicas >= tick.current or tick.ahead is None or (replicas == 0 and tick.spec.scaling.min_replicas == 0):
        return None
    known, slots = tick.ahead.known, tick.spec.engine.slots
    load = max(known.load_peak, known.load_mean + DEVIATIONS * known.load_deviation)
    held = min(tick.current, math.ceil(load / slots - NOISE))
    if held <= replicas:
        return None
    said = f"{replicas} hold {replicas * slots} at once, the last 15 min had up to {load:.3g} -> {held}"
    return Move(Step("worst case", replicas, held, said), "WorstCase", held=f"worst case: {said}")
