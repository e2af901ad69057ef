"""What decisions learn from, as the operator feeds it: requests waiting, running and finished, and cold starts."""

from pathlib import Path

from kubernetes.aio.client import ApiClient

from dev.cluster.local import LocalCluster
from tests.support.operator import Release, running
from tests.support.records import records_in
from tests.support.replaying import every, replay_of
from tests.support.servings import Servings

TWO = {"scaling": {"minReplicas": 2}}


def finished(home: Path) -> list[float]:
    """The counter at every pass that knew it."""
    return [record["flow"]["finished"] for record in records_in(home) if "flow" in record]


def flow_in(home: Path) -> tuple[object, object, object]:
    """Running, waiting and finished at the last pass."""
    flow = records_in(home)[-1].get("flow") or {}
    return flow.get("running"), flow.get("waiting"), flow.get("finished")


async def test_the_count_of_finished_requests_is_what_was_served_and_survives_its_replicas(
    api: ApiClient, local_cluster: LocalCluster, release: Release, servings: Servings, tmp_path: Path
) -> None:
    with running(release, tmp_path, settings={"record_directory": str(tmp_path)}):
        servings.apply(TWO)
        await servings.serving(2)
        total = await replay_of(api, local_cluster, servings, every(0.05, 60)).run()
        assert (total.completed, total.errors) == (60, {})
        await servings.eventually(lambda: finished(tmp_path)[-1:] == [60])
        servings.load(running=5, waiting=2, replica=1)
        await servings.eventually(lambda: flow_in(tmp_path) == (5, 2, 60))
        servings.load(running=0, replica=1)
        uid = servings.pods()[0]["metadata"]["uid"]
        servings.kubectl("delete", "pod", servings.pods()[0]["metadata"]["name"], "--grace-period=0", "--force")
        await servings.eventually(lambda: uid not in [pod["metadata"]["uid"] for pod in servings.pods()])
        await servings.serving(2)
        await servings.eventually(lambda: len(servings.endpoints()) == 2)
        total = await replay_of(api, local_cluster, servings, every(0.05, 40)).run()
        assert (total.completed, total.errors) == (40, {})
        await servings.eventually(lambda: finished(tmp_path)[-1:] == [100])
    counts = finished(tmp_path)
    assert counts == sorted(counts)
    boots = records_in(tmp_path)[-1]["boots"]
    assert len(boots) == 2
    assert all(0 <= boot["seconds"] < 30 for boot in boots)
    assert any(
        record["replicas"]["starting"] == len(record["replicas"].get("ages", ())) > 0 for record in records_in(tmp_path)
    )
