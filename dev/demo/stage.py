"""Everything the demo needs, started in order and ended whatever happens: cluster, chart, operator, engines."""

import json
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from dev.cluster.layout import SCHEDULER, Tuning
from dev.cluster.local import LocalCluster
from dev.cluster.process import Process, Spawner
from dev.controlplane.build import find_tools
from dev.demo.scale import ColdStart, operator_values, scrape_seconds
from dev.engines.launch import EngineFleet

ROOT: Final = Path(__file__).resolve().parents[2]
CHART: Final = ROOT / "charts" / "elastic-serving"
RELEASE: Final = "elastic-serving"
NAMESPACE: Final = "demo"
"""Where the serving lives; the operator's namespace is called as the release."""
OPERATOR_PATIENCE_SECONDS: Final = 10.0


@dataclass(frozen=True, slots=True)
class Stage:
    """What runs."""

    cluster: LocalCluster
    fleet: EngineFleet
    operator: Process


@contextmanager
def stage(speed: float, cold_start: ColdStart, report: Callable[[str], None]) -> Iterator[Stage]:
    """A cluster with our chart, and the operator running under its rights. Nothing of it is left afterwards.

    ``report`` is told each step in a few words. Raises ClusterError, BuildError or FleetFailed.
    """
    tools = find_tools()
    with ExitStack() as stack:
        tuning = Tuning(
            scrape_seconds=scrape_seconds(speed),
            extra_arguments={SCHEDULER: (f"--config={Path(__file__).with_name('scheduler.yaml')}",)},
        )
        cluster = stack.enter_context(LocalCluster.start(tools, tuning=tuning, report=report))
        logs = cluster.audit_log.parent
        report(f"logs are in {logs}")
        report("installing the chart with Helm, its Deployment at 0 replicas: fake nodes run no containers")
        environment = _install(cluster, speed)
        report("starting the operator with a token of the chart's ServiceAccount, and the simulated engines")
        # The operator lives as long as its spawner, which this frame keeps.
        spawner = Spawner(tethered=True)
        operator = _start_operator(spawner, cluster, environment)
        stack.callback(operator.stop, patience_seconds=OPERATOR_PATIENCE_SECONDS)
        fleet = EngineFleet(
            cluster.kubeconfig,
            pod_range=cluster.layout.addresses.pods,
            log=logs / "engines.log",
            speed=speed,
            load_seconds=cold_start.load_seconds,
        )
        stack.enter_context(fleet)
        cluster.kubectl("create", "namespace", NAMESPACE)
        cluster.kubectl("wait", "--for=create", "serviceaccount/default", f"--namespace={NAMESPACE}", "--timeout=30s")
        yield Stage(cluster, fleet, operator)


def _install(cluster: LocalCluster, speed: float) -> Mapping[str, str]:
    """Install the chart; the environment its Deployment would give the operator."""
    values = {
        "replicas": 0,
        "prometheus": {"url": cluster.prometheus_url},
        "operator": {**operator_values(speed), "log": {"format": "console"}},
    }
    where = f"--namespace={RELEASE}"
    cluster.client.helm(
        "upgrade", "--install", RELEASE, str(CHART), where, "--create-namespace", "--wait", "--values=-",
        stdin=json.dumps(values),
    )  # fmt: skip
    deployment = json.loads(cluster.kubectl("get", "deployment", RELEASE, where, "--output=json"))
    container = deployment["spec"]["template"]["spec"]["containers"][0]
    return {variable["name"]: variable["value"] for variable in container["env"] if "value" in variable}


def _start_operator(spawner: Spawner, cluster: LocalCluster, environment: Mapping[str, str]) -> Process:
    """The operator's process: the chart's settings, and what is different outside of a pod."""
    kubeconfig = cluster.service_account_kubeconfig(RELEASE, RELEASE)
    outside = {
        "ELASTIC_SERVING_KUBECONFIG": str(kubeconfig),
        "ELASTIC_SERVING_HTTP_HOST": "127.0.0.1",
        "ELASTIC_SERVING_HTTP_PORT": "0",
        "ELASTIC_SERVING_POD_NAME": "demo",
    }
    return spawner.start(
        "operator",
        [sys.executable, "-m", "elastic_serving", "run"],
        log=cluster.log("operator"),
        environment={"PATH": os.environ.get("PATH", os.defpath), **environment, **outside},
        directory=ROOT,
    )
