"""An edit of the spec: what is made anew, in which order, and what is refused."""

from kubernetes.aio.client import ApiClient

from dev.cluster.local import LocalCluster
from elastic_serving.api import labels
from elastic_serving.kube.api import Object
from tests.support.cluster import eventually
from tests.support.replaying import every, replay_of, replaying
from tests.support.servings import Servings, condition_of
from tests.support.watching import watching

TWO = {"scaling": {"minReplicas": 2}}


def template(policy: str) -> dict[str, object]:
    """A template that sets the engine container's imagePullPolicy."""
    return {"template": {"spec": {"containers": [{"name": "main", "imagePullPolicy": policy}]}}}


def uids(llama: Servings) -> list[str]:
    return [pod["metadata"]["uid"] for pod in llama.pods()]


async def test_new_engine_arguments_replace_one_replica_at_a_time_and_lose_no_request(
    api: ApiClient, local_cluster: LocalCluster, llama: Servings
) -> None:
    llama.apply(TWO)
    await llama.serving(2)
    before = uids(llama)
    replay = replay_of(api, local_cluster, llama, every(0.1, 120))
    async with watching(api, llama.namespace, llama.name) as history, replaying(replay) as task:
        await eventually(lambda: replay.snapshot().completed >= 10)
        llama.apply(TWO, {"engine": {"args": ["--enable-prefix-caching"]}})
        await llama.rested(2)
        total = await task
    assert (total.completed, total.errors) == (120, {})
    assert not set(uids(llama)) & set(before)
    assert len({pod["metadata"]["labels"][labels.REVISION] for pod in llama.pods()}) == 1
    assert all("--enable-prefix-caching" in pod["spec"]["containers"][0]["args"] for pod in llama.pods())
    assert min(history.counts(lambda state: state.serves)) == 2
    # One more at a time, from its creation until the last answer of the one it replaces.
    assert max(history.counts(lambda state: not state.deleted)) == 3


async def test_an_edit_of_what_no_pod_depends_on_restarts_nothing(llama: Servings) -> None:
    llama.apply(TWO)
    await llama.rested(2)
    before = uids(llama)
    llama.apply(TWO, {"scaling": {"maxReplicas": 6}, "drain": {"timeoutSeconds": 60}, "startup": {"maxRestarts": 3}})
    await llama.rested(2)
    assert uids(llama) == before
    llama.apply({"scaling": {"minReplicas": 3, "maxReplicas": 6}})
    await llama.rested(3)
    assert uids(llama)[:2] == before


async def test_a_refused_template_is_told_in_the_api_servers_words_and_changes_nothing(llama: Servings) -> None:
    llama.apply(TWO)
    await llama.rested(2)
    before = uids(llama)
    llama.apply(TWO, template("Sometimes"))

    def refused(status: Object) -> bool:
        return bool(condition_of(status, "Degraded")["reason"] == "TemplateRefused")

    status = await llama.until(refused)
    sentence = 'spec.containers[0].imagePullPolicy: Unsupported value: "Sometimes": supported values: "Always"'
    assert status["summary"].startswith(f"The template is refused by the API server: {sentence}")
    assert status["summary"].endswith("Nothing was changed. 2 of 2 replicas serve.")
    assert condition_of(status, "Degraded")["message"].endswith("Nothing was changed.")
    assert condition_of(status, "Ready")["status"] == "True"
    assert status["why"] == "TemplateRefused"
    assert uids(llama) == before
    # Events follow the status.
    (event,) = await llama.eventually(lambda: llama.messages("TemplateRefused"))
    assert sentence in event
    llama.apply(TWO, template("Always"))
    status = await llama.rested(2)
    assert condition_of(status, "Degraded")["status"] == "False"
    assert not set(uids(llama)) & set(before)


async def test_a_refused_template_that_is_taken_back_leaves_the_replicas_as_they_were(llama: Servings) -> None:
    llama.apply()
    await llama.rested(1)
    before = uids(llama)
    llama.apply(template("Sometimes"))
    await llama.until(lambda status: condition_of(status, "Degraded")["reason"] == "TemplateRefused")
    llama.kubectl("patch", f"es/{llama.name}", "--type=json", '--patch=[{"op":"remove","path":"/spec/template"}]')
    status = await llama.rested(1)
    assert condition_of(status, "Degraded")["status"] == "False"
    assert status["summary"] == "1 of 1 replica serves."
    assert uids(llama) == before
