"""What kubectl prints: the story of a serving for somebody who is woken up by it."""

import re

import pytest

from elastic_serving.api import labels
from tests.support.servings import Servings


def table(text: str) -> list[dict[str, str]]:
    """Rows of ``kubectl get`` by column; columns are two spaces apart."""
    head, *rows = text.splitlines()
    starts = [found.start() for found in re.finditer(r"\S+(?: \S+)*", head)]
    cut = [*zip(starts, [*starts[1:], None], strict=True)]
    return [{head[a:b].strip(): row[a:b].strip() for a, b in cut} for row in rows]


def squeezed(text: str) -> str:
    """Single spaces, so that columns may move."""
    return "\n".join(" ".join(line.split()) for line in text.splitlines())


@pytest.mark.promise("F9")
@pytest.mark.promise("U22")
async def test_kubectl_tells_the_whole_story_of_a_scale_up(llama: Servings) -> None:
    llama.apply()
    await llama.serving(1)
    llama.load(running=32, waiting=35)  # 67 / 22.4 = 2.99
    await llama.serving(3)
    await llama.rested(3)
    (row,) = table(llama.kubectl("get", f"es/{llama.name}"))
    assert {name: row[name] for name in ("NAME", "DESIRED", "SERVING", "STARTING", "LOAD", "WHY")} == {
        "NAME": llama.name, "DESIRED": "3", "SERVING": "3", "STARTING": "0",
        "LOAD": "Concurrency 67/67.2", "WHY": "Concurrency",
    }  # fmt: skip
    (wide,) = table(llama.kubectl("get", f"es/{llama.name}", "-o", "wide"))
    assert wide["TARGET"] == "Concurrency 22.4"
    told = squeezed(llama.kubectl("describe", f"es/{llama.name}"))
    steps = (
        "Concurrency: 67 in flight / 22.4 per replica = 3 -> 3\n"
        "largest signal: Concurrency asks for 3\n"
        "stabilization: up window 0 s -> 3\n"
        "limits: 1 to 8 -> 3\n"
    )
    assert f"From: 1\nReason: Concurrency\nSteps:\n{steps}Time: " in told
    assert re.search(r"^Replicas:\n(?:[012] serving \S+ since [0-9:]{8}\n){3}", told, re.MULTILINE), told
    assert "\nSummary: 3 of 3 replicas serve.\n" in told
    events = told.partition("\nEvents:\n")[2]
    assert events.count("1 -> 3 replicas: Concurrency 67 is above 22.4 per replica") == 1
    assert (
        len(
            re.findall(
                r"ReplicaReady .* replica [012] serves after \d+ s \(provision \d+, pull \d+, load \d+\)", events
            )
        )
        == 3
    )


@pytest.mark.promise("F9")
async def test_kubectl_tells_what_a_serving_waits_for_that_holds_its_number(llama: Servings) -> None:
    llama.apply()
    await llama.rested(1)
    llama.fault("wrong_metrics")
    await llama.until(lambda status: status["why"] == "MetricsMissing")
    (row,) = table(llama.kubectl("get", f"es/{llama.name}"))
    assert (row["DESIRED"], row["LOAD"], row["WHY"]) == ("1", "?", "MetricsMissing")
    told = squeezed(llama.kubectl("describe", f"es/{llama.name}"))
    sentence = "Prometheus has no answer for Concurrency since "
    assert f"\nSummary: Holding 1 replica: {sentence}" in told
    assert "vllm:num_requests_running" in told  # which metric is missing
    assert told.partition("\nEvents:\n")[2].count("MetricsMissing") == 1


@pytest.mark.promise("U22")
async def test_a_serving_without_load_rests_at_its_minimum_and_says_so(llama: Servings) -> None:
    llama.apply()
    await llama.rested(1)
    status = await llama.until(lambda status: status["signals"][0]["value"] == 0)
    (row,) = table(llama.kubectl("get", f"es/{llama.name}"))
    assert (row["DESIRED"], row["LOAD"], row["WHY"]) == ("1", "Concurrency 0/22.4", "MinReplicas")
    reasons = {condition["type"]: condition["reason"] for condition in status["conditions"]}
    assert reasons == {
        "Ready": "AllReplicasServe",
        "AbleToScale": "ReadyForNewScale",
        "ScalingActive": "ValidMetricFound",
        "ScalingLimited": "TooFewReplicas",
        "Progressing": "AtRest",
        "Degraded": "AsExpected",
    }


async def test_the_operator_writes_nothing_of_a_serving_but_its_status(llama: Servings) -> None:
    llama.apply()
    await llama.serving(1)
    llama.load(running=32, waiting=35)
    await llama.serving(3)
    found = llama.get()
    ours = [entry for entry in found["metadata"]["managedFields"] if entry["manager"] == labels.FIELD_MANAGER]
    assert [(entry.get("subresource"), list(entry["fieldsV1"])) for entry in ours] == [("status", ["f:status"])]
    assert found["metadata"]["generation"] == 1
    assert "finalizers" not in found["metadata"]
