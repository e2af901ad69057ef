"""The chart installed as users install it, and what a process needs that plays its pod.

Fake nodes run no containers: the Deployment has 0 replicas, and the operator is a process here, with the environment
its container would have and under a token of its ServiceAccount.
"""

import json
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from dev.cluster.handle import Cluster

ROOT: Final = Path(__file__).resolve().parents[1]
CHART: Final = ROOT / "charts" / "elastic-serving"
RELEASE: Final = "elastic-serving"
COMMAND: Final = (sys.executable, "-m", "elastic_serving", "run")


@dataclass(frozen=True, slots=True)
class Installed:
    """An installed chart: its namespace, a kubeconfig of its ServiceAccount, its container's literal variables."""

    namespace: str
    kubeconfig: Path
    environment: Mapping[str, str]

    def variables(self, identity: str, **settings: str) -> dict[str, str]:
        """Environment of an operator called ``identity``; ``settings`` (fields of Settings) win over the chart's."""
        outside = {
            "kubeconfig": str(self.kubeconfig),
            "http_host": "127.0.0.1",
            "http_port": "0",
            "pod_name": identity,
            **settings,
        }
        inherited = {name: os.environ[name] for name in ("PATH", "HOME", "TZ", "LANG") if name in os.environ}
        return {
            **inherited,
            **self.environment,
            **{f"ELASTIC_SERVING_{name.upper()}": value for name, value in outside.items()},
        }


def install(cluster: Cluster, namespace: str, values: Mapping[str, Any]) -> Installed:
    """Install or upgrade the chart with ``values`` on top of what the local cluster needs. Raises ClusterError."""
    given = {"replicas": 0, **values, "prometheus": {"url": cluster.prometheus_url, **values.get("prometheus", {})}}
    where = f"--namespace={namespace}"
    cluster.client.helm(
        "upgrade", "--install", RELEASE, str(CHART), where, "--create-namespace", "--wait", "--values=-",
        stdin=json.dumps(given),
    )  # fmt: skip
    deployment = json.loads(cluster.kubectl("get", "deployment", RELEASE, where, "--output=json"))
    container = deployment["spec"]["template"]["spec"]["containers"][0]
    return Installed(
        namespace,
        cluster.service_account_kubeconfig(namespace, RELEASE),
        {variable["name"]: variable["value"] for variable in container["env"] if "value" in variable},
    )


def uninstall(cluster: Cluster, namespace: str) -> None:
    """Uninstall the chart; the CRDs stay. Gone already is fine."""
    cluster.helm("uninstall", RELEASE, f"--namespace={namespace}", "--ignore-not-found")
