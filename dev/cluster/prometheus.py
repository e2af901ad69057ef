"""Prometheus as a user would run it: pods found through the API server, with an account of its own.

Only leaders (host 0) of our replicas that run are scraped. Their role label is not among the target's labels: a drain
must not make a new target, or its first sample after the drain began would be a new series.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import requests
import yaml

from dev.cluster.errors import ClusterError
from dev.cluster.layout import PROMETHEUS, Layout
from elastic_serving.api import labels

NAMESPACE: Final = "elastic-serving-dev"
ACCOUNT: Final = "prometheus"
RELOAD_TIMEOUT_SECONDS: Final = 10.0

JSON = dict[str, object]


@dataclass(frozen=True, slots=True)
class StaticJob:
    """A scrape job with fixed targets, for what does not run as a pod."""

    name: str
    targets: tuple[str, ...]
    """Each is host:port."""
    labels: dict[str, str] = field(default_factory=dict)
    path: str = "/metrics"


def token_path(layout: Layout) -> str:
    """File with Prometheus' bearer token."""
    return str(layout.directory / "prometheus.token")


def access() -> list[JSON]:
    """The objects that let Prometheus find pods: a namespace, an account, and leave to read pods, nothing else."""
    role = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": NAMESPACE + "-prometheus"}
    rules = [{"apiGroups": [""], "resources": ["pods"], "verbs": ["get", "list", "watch"]}]
    subject = {"kind": "ServiceAccount", "namespace": NAMESPACE, "name": ACCOUNT}
    rbac = "rbac.authorization.k8s.io/v1"
    return [
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}},
        {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": ACCOUNT, "namespace": NAMESPACE}},
        {"apiVersion": rbac, "kind": "ClusterRole", "metadata": {"name": role["name"]}, "rules": rules},
        {
            "apiVersion": rbac,
            "kind": "ClusterRoleBinding",
            "metadata": {"name": role["name"]},
            "roleRef": role,
            "subjects": [subject],
        },
    ]


def configuration(layout: Layout, extra: Sequence[StaticJob] = ()) -> str:
    """Prometheus' configuration file: the engines' job and ``extra``."""
    interval = f"{round(layout.tuning.scrape_seconds * 1000)}ms"
    return yaml.safe_dump(
        {
            "global": {"scrape_interval": interval, "scrape_timeout": interval, "evaluation_interval": interval},
            "scrape_configs": [_engines(layout), *[_static(job) for job in extra]],
        },
        sort_keys=False,
    )


def write_configuration(layout: Layout, extra: Sequence[StaticJob] = ()) -> None:
    """Write what a start of Prometheus, or a reload, will read."""
    (layout.directory / f"{PROMETHEUS}.yaml").write_text(configuration(layout, extra))


def reload(layout: Layout, extra: Sequence[StaticJob] = ()) -> None:
    """Scrape the engines and ``extra`` from now on, nothing else; raises ClusterError when it is refused."""
    write_configuration(layout, extra)
    with requests.Session() as session:
        session.trust_env = False  # a proxy has no business on loopback
        answer = session.post(f"{layout.prometheus_url}/-/reload", timeout=RELOAD_TIMEOUT_SECONDS)
    if answer.status_code != requests.codes.ok:
        raise ClusterError(f"Prometheus refused its new configuration: {answer.text.strip()}")


def _static(job: StaticJob) -> JSON:
    return {
        "job_name": job.name,
        "metrics_path": job.path,
        "static_configs": [{"targets": list(job.targets), "labels": job.labels}],
    }


def _engines(layout: Layout) -> JSON:
    return {
        "job_name": "engines",
        "kubernetes_sd_configs": [
            {
                "role": "pod",
                "api_server": layout.server,
                "tls_config": {"ca_file": str(layout.authority)},
                "authorization": {"credentials_file": token_path(layout)},
                "selectors": [{"role": "pod", "label": f"{labels.MANAGED_BY}={labels.MANAGED_BY_VALUE}"}],
            }
        ],
        "relabel_configs": [
            _keep(_label(labels.MANAGED_BY), labels.MANAGED_BY_VALUE),
            _keep(_label(labels.HOST), labels.LEADER_HOST),
            _keep("__meta_kubernetes_pod_phase", "Running"),
            _keep("__meta_kubernetes_pod_container_port_name", labels.ENGINE_PORT_NAME),
            {
                # A pod of this cluster is 10.N.x.y, its engine listens on loopback at 127.N.x.y.
                "source_labels": ["__meta_kubernetes_pod_ip", "__meta_kubernetes_pod_container_port_number"],
                "separator": ":",
                "regex": r"10\.(.+)",
                "replacement": "127.$1",
                "target_label": "__address__",
            },
            _copy("__meta_kubernetes_namespace", "namespace"),
            _copy(_label(labels.SERVING), "elasticserving"),
            _copy(_label(labels.REPLICA), "es_replica"),
            _copy(_label(labels.ENGINE), "es_engine"),
        ],
    }


def _label(name: str) -> str:
    """Prometheus' meta label of a pod's label: every character but letters and digits becomes an underscore."""
    return "__meta_kubernetes_pod_label_" + "".join(c if c.isalnum() else "_" for c in name)


def _keep(source: str, value: str) -> JSON:
    return {"action": "keep", "source_labels": [source], "regex": value}


def _copy(source: str, target: str) -> JSON:
    return {"source_labels": [source], "target_label": target}
