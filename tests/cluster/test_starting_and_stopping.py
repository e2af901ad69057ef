"""A cluster's processes: started in time, broken and repaired, and gone without a trace when they are to be gone."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from kubernetes.aio.client import CoreV1Api

from dev.cluster.errors import ClusterError
from dev.cluster.layout import API_SERVER, ETCD, KWOK, SCHEDULER, START_ORDER, Tuning
from dev.cluster.local import LocalCluster
from dev.cluster.nodes import gpu_node
from dev.cluster.process import Identity
from dev.cluster.ranges import Port, claim_range
from dev.controlplane.build import find_tools
from tests.support.cluster import api_client, eventually, fresh_namespace
from tests.support.pods import OURS, history, pod_manifest

ROOT = Path(__file__).parents[2]
RUNNING = ("Running", "running")
START_SECONDS = 15.0
"""What a start may take when the binaries are there."""


@pytest.fixture(scope="module")
def spare() -> Iterator[LocalCluster]:
    """A second cluster beside the one all tests share, to be broken; its node leases are short."""
    with LocalCluster.start(find_tools(), tuning=Tuning(node_lease_seconds=4)) as cluster:
        cluster.create(gpu_node("node"))
        yield cluster


def children(pid: int) -> list[Identity]:
    """Processes whose parent is ``pid``."""
    listed = Path(f"/proc/{pid}/task/{pid}/children"), *Path(f"/proc/{pid}/task").glob("*/children")
    pids = {int(word) for path in listed if path.exists() for word in path.read_text().split()}
    return [identity for identity in map(Identity.of, pids) if identity is not None]


def test_a_start_with_built_binaries_takes_at_most_15_seconds(spare: LocalCluster) -> None:
    began = time.monotonic()
    with LocalCluster.start(find_tools()) as third:
        assert time.monotonic() - began <= START_SECONDS
        assert {component for component in START_ORDER if third.is_ready(component)} == set(START_ORDER)
        assert third.layout.addresses != spare.layout.addresses
        processes = third.processes
    assert [name for name, process in processes.items() if process.is_alive] == []


async def test_two_clusters_share_neither_addresses_nor_objects(cluster: LocalCluster, spare: LocalCluster) -> None:
    addresses = []
    for one in (cluster, spare):
        with fresh_namespace(one, "twin") as namespace:
            async with api_client(one) as api:
                await CoreV1Api(api).create_namespaced_pod(namespace, pod_manifest("a"), _request_timeout=10)  # type: ignore[arg-type]  # a dict is what goes over the wire
                states = await history(api, namespace, "a", until=RUNNING)
                addresses.append(states[-1].address)
            other = spare if one is cluster else cluster
            with pytest.raises(ClusterError, match="NotFound"):
                other.kubectl("get", "namespace", namespace)
    first, second = [str(address).split(".")[:2] for address in addresses]
    assert first == ["10", str(cluster.layout.addresses.number)]
    assert second == ["10", str(spare.layout.addresses.number)]
    assert first != second


@pytest.mark.parametrize("kill", [pytest.param(False, id="ended politely"), pytest.param(True, id="killed")])
async def test_the_api_server_comes_back_at_the_same_address_with_the_same_objects(
    spare: LocalCluster, kill: bool
) -> None:
    with fresh_namespace(spare, "kept") as namespace:
        before = spare.processes[API_SERVER].identity
        spare.stop_component(API_SERVER, kill=kill)
        assert not before.is_alive
        assert not spare.is_ready(API_SERVER)
        spare.start_component(API_SERVER)
        assert spare.processes[API_SERVER].identity != before
        assert namespace in spare.kubectl("get", "namespaces")
        async with api_client(spare) as api:  # and the others have found it again
            await CoreV1Api(api).create_namespaced_pod(namespace, pod_manifest("a", gpus=1), _request_timeout=10)  # type: ignore[arg-type]  # as above
            await history(api, namespace, "a", until=RUNNING)


async def test_a_restarted_kwok_gives_no_address_twice(spare: LocalCluster) -> None:
    with fresh_namespace(spare, "kwok") as namespace:
        async with api_client(spare) as api:
            core = CoreV1Api(api)
            for name in ("before-0", "before-1", "before-2"):
                await core.create_namespaced_pod(namespace, pod_manifest(name, marks=OURS), _request_timeout=10)  # type: ignore[arg-type]  # as above
                await history(api, namespace, name, until=RUNNING)
            spare.restart(KWOK, kill=True)
            for name in ("after-0", "after-1", "after-2"):
                await core.create_namespaced_pod(namespace, pod_manifest(name, marks=OURS), _request_timeout=10)  # type: ignore[arg-type]  # as above
                await history(api, namespace, name, until=RUNNING)
            pods = await core.list_namespaced_pod(namespace, _request_timeout=10)
    addresses = [pod.status.pod_ip for pod in pods.items if pod.status is not None]
    assert len(set(addresses)) == 6


def test_a_component_that_ends_at_once_shows_the_end_of_its_log() -> None:
    tuning = Tuning(extra_arguments={SCHEDULER: ("--no-such-flag",)})
    with pytest.raises(ClusterError) as refusal:
        LocalCluster.start(find_tools(), tuning=tuning)
    message = str(refusal.value)
    assert message.startswith("kube-scheduler ended with status 1; the last lines of ")
    assert "unknown flag: --no-such-flag" in message


def test_a_component_that_never_gets_ready_ends_the_start_at_its_deadline(tmp_path: Path) -> None:
    stuck = tmp_path / "etcd"
    godot = tmp_path / "godot"
    godot.touch()
    stuck.write_text(f"#!/bin/sh\necho waiting for Godot\ntail -f {godot}\n")  # a process that starts another
    stuck.chmod(0o755)
    tools = {**find_tools(), ETCD: stuck}
    with pytest.raises(ClusterError, match=r"(?s)etcd is not ready after 1 s; .*waiting for Godot"):
        LocalCluster.start(tools, tuning=Tuning(start_deadline_seconds=1))
    assert subprocess.run(["pgrep", "-f", str(tmp_path)], check=False).returncode == 1  # no process names it


def kill(identities: list[Identity]) -> None:
    """End what a failed test left behind."""
    for identity in identities:
        if identity.is_alive:
            os.kill(identity.pid, signal.SIGKILL)


def run_starter(code: str) -> subprocess.Popen[str]:
    """A Python process that starts a cluster, in a group of its own as a shell would give it."""
    return subprocess.Popen(
        [sys.executable, "-c", code], cwd=ROOT, stdout=subprocess.PIPE, text=True, start_new_session=True
    )


START_AND_WAIT = """
import json, signal
from dev.cluster.local import LocalCluster
from dev.controlplane.build import find_tools
with LocalCluster.start(find_tools(), report=lambda step: print("step", flush=True)) as cluster:
    print(cluster.layout.addresses.number, flush=True)
    signal.pause()
"""


def lines_until(starter: subprocess.Popen[str], wanted: str) -> None:
    assert starter.stdout is not None
    for line in starter.stdout:
        if line.strip() == wanted or (wanted == "number" and line.strip().isdigit()):
            return
    raise AssertionError(f"the starter ended with {starter.wait()} before it said {wanted}")


@pytest.mark.parametrize(
    ("moment", "number", "status"),
    [
        pytest.param("step", signal.SIGINT, -signal.SIGINT, id="Ctrl-C while it starts"),
        pytest.param("step", signal.SIGKILL, -signal.SIGKILL, id="SIGKILL while it starts"),
        pytest.param("number", signal.SIGINT, -signal.SIGINT, id="Ctrl-C while it runs"),
        pytest.param("number", signal.SIGKILL, -signal.SIGKILL, id="SIGKILL while it runs"),
    ],
)
async def test_nothing_outlives_the_process_that_started_it(moment: str, number: signal.Signals, status: int) -> None:
    started: list[Identity] = []
    try:
        with run_starter(START_AND_WAIT) as starter:
            lines_until(starter, moment)
            started += children(starter.pid)
            assert len(started) == (2 if moment == "step" else len(START_ORDER))
            os.killpg(starter.pid, number)
            starter.communicate(timeout=60)
            assert starter.returncode == status
        await eventually(lambda: not [identity for identity in started if identity.is_alive], timeout=10)
    finally:
        kill(started)


def test_a_range_is_free_again_only_when_its_last_holder_is_gone() -> None:
    with claim_range().lock as ours:
        number = int(str(ours.getsockname(), "ascii").rpartition("/")[2])
        holder = subprocess.Popen(["/bin/cat"], stdin=subprocess.PIPE, pass_fds=[ours.fileno()])
    with claim_range().lock as other:
        assert not str(other.getsockname(), "ascii").endswith(f"/{number}")
    holder.communicate(timeout=10)
    with claim_range().lock as again:
        assert str(again.getsockname(), "ascii").endswith(f"/{number}")


def test_a_port_that_somebody_else_has_moves_the_cluster_to_another_range() -> None:
    first = claim_range()
    first.release()
    with socket.create_server(("127.0.0.1", first.addresses.port(Port.KWOK))):
        second = claim_range()
        second.release()
    assert second.addresses.number > first.addresses.number


class TestCommands:
    """``python -m dev.cluster`` as a person uses it."""

    @pytest.fixture
    def environment(self, tmp_path: Path) -> dict[str, str]:
        """State of its own, and a KUBECONFIG of somebody's that must stay as it is."""
        ambient = tmp_path / "ambient"
        ambient.write_text("somebody's own")
        return {**os.environ, "XDG_STATE_HOME": str(tmp_path / "state"), "KUBECONFIG": str(ambient)}

    def run(self, environment: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "dev.cluster", *arguments],
            cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120, check=False,
        )  # fmt: skip

    def test_up_leaves_a_cluster_running_and_down_ends_it(self, environment: dict[str, str], tmp_path: Path) -> None:
        try:
            up = self.run(environment, "up", "--name", "t", "--gpu-nodes", "1")
            assert up.returncode == 0, up.stderr
            kubeconfig = up.stdout.splitlines()[0].removeprefix("kubeconfig").strip()
            assert self.run(environment, "status", "--name", "t").returncode == 0
            assert f"export KUBECONFIG={kubeconfig}" in self.run(environment, "env", "--name", "t").stdout
            again = self.run(environment, "up", "--name", "t")
            assert again.stdout == up.stdout
            assert "is up already" in again.stderr
            noted = json.loads((tmp_path / "state/elastic-serving/up/t.json").read_text())
            identities = [Identity(**identity) for identity in noted["processes"].values()]
            assert all(identity.is_alive for identity in identities)
        finally:
            down = self.run(environment, "down", "--name", "t")
        left = [identity for identity in identities if identity.is_alive]
        kill(left)
        assert down.returncode == 0, down.stderr
        assert left == []
        assert (tmp_path / "ambient").read_text() == "somebody's own"

    def test_what_is_not_up_is_said(self, environment: dict[str, str]) -> None:
        status = self.run(environment, "status", "--name", "nobody")
        assert status.returncode == 1
        assert status.stderr.startswith("error: nobody is not up; start it with")
        assert self.run(environment, "down", "--name", "nobody").returncode == 0
        assert self.run(environment, "up", "--gpu-nodes", "-1").returncode == 2
