"""The queue as users see it, under real requests: how many wait, and that it takes as long as they were told."""

import re
import time

import pytest
from kubernetes.aio.client import ApiClient

from dev.cluster.local import LocalCluster
from dev.traffic.arrivals import Arrival
from tests.support.replaying import every, replay_of, replaying
from tests.support.servings import Servings

TWO_SLOTS = {
    "engine": {"maxConcurrency": 2},
    "scaling": {"maxReplicas": 1, "signals": [{"type": "Erlang"}]},
}


@pytest.mark.promise("N28")
async def test_who_waits_is_told_for_how_long_and_it_takes_that_long(
    api: ApiClient, local_cluster: LocalCluster, llama: Servings
) -> None:
    llama.apply(TWO_SLOTS)
    await llama.rested(1)
    # Requests of half a second in 2 slots: 24 s at 3.7 a second, which teach how long they take, then 60 at once, which
    # need 15 s.
    known = every(0.27, 90)
    burst = [
        Arrival(known[-1].at_seconds + one.at_seconds, one.prompt_tokens, one.output_tokens) for one in every(0.01, 60)
    ]
    async with replaying(replay_of(api, local_cluster, llama, [*known, *burst])) as replay:
        told = await llama.until(lambda status: status["queue"]["etaSeconds"] > 10)
        at, queue = time.monotonic(), told["queue"]
        assert queue["waiting"] > 20
        assert queue["etaSeconds"] == pytest.approx(queue["waiting"] * queue["serviceSeconds"] / 2, rel=0.1)
        assert queue["serviceSeconds"] == pytest.approx(0.53, rel=0.3)
        assert re.search(r" \d+, ~\d+s ", llama.kubectl("get", f"es/{llama.name}", "-o", "wide"))
        assert re.search(r"^ +Eta Seconds: +\d+$", llama.kubectl("describe", f"es/{llama.name}"), re.MULTILINE)
        await llama.until(lambda status: status["queue"]["waiting"] == 0)
        # A sample may be 1 s old, a status another, and what is learned in seconds is a third off.
        assert time.monotonic() - at == pytest.approx(queue["etaSeconds"], rel=0.35, abs=3)
        assert (await replay).errors == {}
    rested = await llama.until(lambda status: status["queue"]["summary"] == "-")
    assert rested["queue"]["etaSeconds"] == 0
