"""Every signal that engines know, read by the operator from engines under traffic."""

from typing import Any

import pytest
from kubernetes.aio.client import ApiClient

from dev.cluster.local import LocalCluster
from dev.traffic.arrivals import Arrival
from tests.support.replaying import replay_of, replaying
from tests.support.servings import Servings

SIGNALS = [
    {"type": "Concurrency"},
    {"type": "QueueDepth", "target": 4},
    {"type": "Tokens", "target": 1e9},
    {"type": "KVCache"},
    {"type": "Latency", "ttftSeconds": 3, "tpotSeconds": 0.1},
    {"type": "Combined", "target": 1e6, "terms": [{"signal": "Concurrency"}, {"signal": "Tokens", "weight": 0.01}]},
]


@pytest.mark.promise("U18")
@pytest.mark.promise("U19")
@pytest.mark.promise("U14")
async def test_each_signal_reads_what_the_engines_do(
    api: ApiClient, local_cluster: LocalCluster, llama: Servings
) -> None:
    llama.apply({"scaling": {"signals": SIGNALS}})
    await llama.serving(1)
    # One request every 50 ms, 25 tokens at 20 ms: 10 at once, none waits, all keep both budgets.
    traffic = [Arrival(index * 0.05, 100, 25) for index in range(600)]
    replay = replay_of(api, local_cluster, llama, traffic)
    async with replaying(replay):

        def read(status: dict[str, Any]) -> bool:
            values = {signal["name"]: signal.get("value") or 0 for signal in status["signals"]}
            return all(values[name] > 0 for name in ("Concurrency", "Tokens", "KVCache", "Latency", "Combined"))

        status = await llama.until(read)
        assert {signal["name"]: signal["health"] for signal in status["signals"]} == dict.fromkeys(
            ("Concurrency", "QueueDepth", "Tokens", "KVCache", "Latency", "Combined"), "Ok"
        )
        assert status["desiredReplicas"] == 1
        values = {signal["name"]: signal["value"] for signal in status["signals"]}
        assert values["KVCache"] <= 1
        assert values["QueueDepth"] == 0
        assert status["slots"]["total"] == 32
        assert status["slots"]["used"] + status["slots"]["free"] == 32
