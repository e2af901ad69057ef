"""The command line of each component. Pure: a layout in, a list of arguments out."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from dev.cluster.layout import API_SERVER, CONTROLLER_MANAGER, ETCD, KWOK, PROMETHEUS, SCHEDULER, Layout
from dev.cluster.ranges import ADDRESS, Port

ISSUER: Final = "https://kubernetes.default.svc"
GATES: Final = "GenericWorkload=true,GangScheduling=true"
"""Off by default in 1.36; with them the API serves scheduling.k8s.io/v1alpha2 PodGroup."""
FAKE_NODE_ANNOTATION: Final = "kwok.x-k8s.io/node"


def command(component: str, layout: Layout) -> list[str]:
    """Binary and arguments of ``component`` in the cluster of ``layout``."""
    extra = layout.tuning.extra_arguments.get(component, ())
    return [str(layout.tools[component]), *_ARGUMENTS[component](layout), *extra]


def _etcd(layout: Layout) -> list[str]:
    client = f"http://{ADDRESS}:{layout.addresses.port(Port.ETCD_CLIENT)}"
    peer = f"http://{ADDRESS}:{layout.addresses.port(Port.ETCD_PEER)}"
    return [
        f"--data-dir={layout.directory / ETCD}",
        f"--listen-client-urls={client}",
        f"--advertise-client-urls={client}",
        f"--listen-peer-urls={peer}",
        f"--initial-advertise-peer-urls={peer}",
        f"--initial-cluster=default={peer}",
        "--unsafe-no-fsync",  # the data does not outlive the cluster
        "--log-level=warn",
    ]


def _api_server(layout: Layout) -> list[str]:
    keys = layout.certificates
    return [
        f"--etcd-servers=http://{ADDRESS}:{layout.addresses.port(Port.ETCD_CLIENT)}",
        f"--bind-address={ADDRESS}",
        f"--secure-port={layout.addresses.port(Port.API_SERVER)}",
        f"--tls-cert-file={keys / 'server.crt'}",
        f"--tls-private-key-file={keys / 'server.key'}",
        f"--client-ca-file={layout.authority}",
        "--authorization-mode=RBAC",
        f"--service-account-key-file={keys / 'service-account.pub'}",
        f"--service-account-signing-key-file={keys / 'service-account.key'}",
        f"--service-account-issuer={ISSUER}",
        f"--service-cluster-ip-range={layout.addresses.services}",
        "--endpoint-reconciler-type=none",
        "--allow-privileged=true",
        f"--feature-gates={GATES}",
        "--runtime-config=scheduling.k8s.io/v1alpha2=true",
        f"--audit-policy-file={Path(__file__).with_name('audit-policy.yaml')}",
        f"--audit-log-path={layout.audit_log}",
        "--audit-log-maxsize=50",  # MB a file
        "--audit-log-maxbackup=20",
        "--shutdown-delay-duration=0s",
    ]


def _controller_manager(layout: Layout) -> list[str]:
    keys = layout.certificates
    return [
        f"--kubeconfig={layout.kubeconfig(CONTROLLER_MANAGER)}",
        "--leader-elect=false",
        f"--service-account-private-key-file={keys / 'service-account.key'}",
        f"--root-ca-file={layout.authority}",
        "--use-service-account-credentials=true",  # without them its own RBAC role allows next to nothing
        "--controllers=*,-node-ipam-controller",  # kwok gives pods their addresses
        "--kube-api-qps=500",
        "--kube-api-burst=1000",
        f"--bind-address={ADDRESS}",
        f"--secure-port={layout.addresses.port(Port.CONTROLLER_MANAGER)}",
        f"--tls-cert-file={keys / 'server.crt'}",
        f"--tls-private-key-file={keys / 'server.key'}",
    ]


def _scheduler(layout: Layout) -> list[str]:
    keys = layout.certificates
    return [
        f"--kubeconfig={layout.kubeconfig(SCHEDULER)}",
        "--leader-elect=false",
        "--kube-api-qps=500",
        "--kube-api-burst=1000",
        f"--feature-gates={GATES}",
        f"--bind-address={ADDRESS}",
        f"--secure-port={layout.addresses.port(Port.SCHEDULER)}",
        f"--tls-cert-file={keys / 'server.crt'}",
        f"--tls-private-key-file={keys / 'server.key'}",
    ]


def _kwok(layout: Layout) -> list[str]:
    stages = sorted(Path(__file__).with_name("stages").glob("*.yaml"))
    return [
        f"--kubeconfig={layout.kubeconfig(KWOK)}",
        *[f"--config={stage}" for stage in stages],
        "--manage-all-nodes=false",
        f"--manage-nodes-with-annotation-selector={FAKE_NODE_ANNOTATION}=fake",
        f"--cidr={layout.addresses.pods}",
        f"--node-ip={ADDRESS}",
        f"--node-lease-duration-seconds={layout.tuning.node_lease_seconds}",
        f"--server-address={ADDRESS}:{layout.addresses.port(Port.KWOK)}",
    ]


def _prometheus(layout: Layout) -> list[str]:
    return [
        f"--config.file={layout.directory / 'prometheus.yaml'}",
        f"--storage.tsdb.path={layout.directory / PROMETHEUS}",
        "--storage.tsdb.retention.time=6h",
        f"--web.listen-address={ADDRESS}:{layout.addresses.port(Port.PROMETHEUS)}",
        "--web.enable-lifecycle",  # reload by POST
        f"--query.lookback-delta={round(layout.tuning.lookback_seconds * 1000)}ms",
        "--scrape.discovery-reload-interval=1s",  # 5 s by default: pods come and go quickly here
    ]


_ARGUMENTS: Final[Mapping[str, Callable[[Layout], list[str]]]] = {
    ETCD: _etcd,
    API_SERVER: _api_server,
    CONTROLLER_MANAGER: _controller_manager,
    SCHEDULER: _scheduler,
    KWOK: _kwok,
    PROMETHEUS: _prometheus,
}
