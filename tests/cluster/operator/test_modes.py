"""Who decides: the operator, a person with kubectl scale, or nobody yet."""

import pytest

from dev.cluster.errors import ClusterError
from tests.support.servings import DOWN_AT_ONCE, Servings, condition_of


def manual(replicas: int) -> dict[str, object]:
    return {"replicas": replicas, "scaling": {"mode": "Manual"}}


AUTO = '[{"op":"replace","path":"/spec/scaling/mode","value":"Auto"}]'


async def test_kubectl_scale_sets_the_number_in_mode_manual_and_zero_is_respected(llama: Servings) -> None:
    llama.apply(DOWN_AT_ONCE, manual(1))
    await llama.serving(1)
    llama.load(running=32, waiting=104)  # in mode Auto this would be 7
    llama.kubectl("scale", f"es/{llama.name}", "--replicas=3")
    status = await llama.serving(3)
    assert (status["decision"]["reason"], status["why"]) == ("Manual", "Manual")
    assert condition_of(status, "ScalingActive")["reason"] == "ScalingDisabled"
    assert llama.kubectl("get", f"es/{llama.name}", "-o", "jsonpath={.status.servingReplicas}") == "3"
    llama.load(running=0)
    llama.kubectl("scale", f"es/{llama.name}", "--replicas=0")
    status = await llama.rested(0)
    assert status["summary"].startswith("At zero since ")
    assert status["summary"].endswith(" (spec.replicas 0).")
    assert llama.endpoints() == set()
    llama.kubectl("patch", f"es/{llama.name}", "--type=json", f"--patch={AUTO}")
    status = await llama.serving(1)  # the leftover spec.replicas 0 is ignored
    assert status["decision"]["steps"][-1] == "limits: 1 to 8 -> 1"
    assert status["decision"]["reason"] == "MinReplicas"


async def test_kubectl_scale_is_refused_while_the_operator_decides(llama: Servings) -> None:
    llama.apply()
    await llama.serving(1)
    with pytest.raises(ClusterError) as refused:
        llama.kubectl("scale", f"es/{llama.name}", "--replicas=3")
    assert "replicas 3: only with scaling.mode Manual (otherwise the operator decides); the mode is Auto" in str(
        refused.value
    )


async def test_mode_advise_computes_and_touches_nothing(llama: Servings) -> None:
    advise = {"scaling": {"mode": "Advise", "minReplicas": 2}}
    llama.apply(advise)
    status = await llama.until(lambda status: status["desiredReplicas"] == 2)
    assert status["summary"] == "Advises 2 replicas and touches nothing; 0 serve."
    assert condition_of(status, "AbleToScale")["reason"] == "Advisory"
    owned = [one for one in llama.leftovers() if not one.startswith(("elasticserving", "servingmemory"))]
    assert owned == []


async def test_a_serving_put_into_mode_advise_keeps_its_replicas_and_tells_what_it_would_do(llama: Servings) -> None:
    llama.apply()
    await llama.rested(1)
    before = llama.pods()[0]["metadata"]["uid"]
    llama.apply({"scaling": {"mode": "Advise"}})
    await llama.until(lambda status: status["summary"].startswith("Advises 1 replica"))
    llama.load(running=32, waiting=104)
    status = await llama.until(lambda status: status["desiredReplicas"] == 7)
    assert status["summary"] == "Advises 7 replicas and touches nothing; 1 serves."
    assert [pod["metadata"]["uid"] for pod in llama.pods()] == [before]
    llama.apply()
    await llama.serving(7)
