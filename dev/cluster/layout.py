"""Where one cluster's files are, which addresses it has and how it is tuned."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from dev.cluster.ranges import ADDRESS, AddressRange, Port

ETCD: Final = "etcd"
API_SERVER: Final = "kube-apiserver"
CONTROLLER_MANAGER: Final = "kube-controller-manager"
SCHEDULER: Final = "kube-scheduler"
KWOK: Final = "kwok"
PROMETHEUS: Final = "prometheus"

START_ORDER: Final = (ETCD, API_SERVER, CONTROLLER_MANAGER, SCHEDULER, PROMETHEUS, KWOK)
"""Each needs those before it; stopping goes the other way."""
TOOLS: Final = (*START_ORDER, "kubectl", "helm")


@dataclass(frozen=True, slots=True)
class Tuning:
    """What a test or a demo may want different. Times are in seconds."""

    scrape_seconds: float = 1.0
    """How often engines are scraped: quick, so that tests are; users have 5 to 30."""
    lookback_seconds: float = 15.0
    """How long Prometheus goes on showing a sample that got no successor; its own default of 300 would hide losses."""
    node_lease_seconds: int = 20
    """A restarted kwok waits for its predecessor's leases; each node costs one write every quarter of this."""
    start_deadline_seconds: float = 60.0
    """For each component. It takes 1 to 6 on an idle machine; a busy one with 2 cores has been seen at 20."""
    extra_arguments: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Component to command line arguments that come after ours."""


@dataclass(frozen=True, slots=True)
class Layout:
    """One cluster: its directory, its addresses, its binaries and its tuning."""

    directory: Path
    addresses: AddressRange
    tools: Mapping[str, Path]
    tuning: Tuning = field(default_factory=Tuning)

    @property
    def server(self) -> str:
        """URL of the API server."""
        return f"https://{ADDRESS}:{self.addresses.port(Port.API_SERVER)}"

    @property
    def prometheus_url(self) -> str:
        """URL of Prometheus."""
        return f"http://{ADDRESS}:{self.addresses.port(Port.PROMETHEUS)}"

    @property
    def certificates(self) -> Path:
        """Directory of the certificates and keys."""
        return self.directory / "certificates"

    @property
    def authority(self) -> Path:
        """The certificate of the authority that signed all others."""
        return self.certificates / "ca.crt"

    @property
    def audit_log(self) -> Path:
        """Who asked the API server what: one JSON object a line, rotated files beside it."""
        return self.directory / "logs" / "audit.log"

    def kubeconfig(self, who: str = "admin") -> Path:
        """The kubeconfig of ``who``: admin or a component."""
        return self.directory / f"{who}.kubeconfig"

    def log(self, component: str) -> Path:
        """What a component printed, all its starts in one file."""
        return self.directory / "logs" / f"{component}.log"

    def health(self, component: str) -> str:
        """URL that answers 200 when the component is ready."""
        port = self.addresses.port
        return {
            ETCD: f"http://{ADDRESS}:{port(Port.ETCD_CLIENT)}/health",
            API_SERVER: f"{self.server}/readyz",
            CONTROLLER_MANAGER: f"https://{ADDRESS}:{port(Port.CONTROLLER_MANAGER)}/healthz",
            SCHEDULER: f"https://{ADDRESS}:{port(Port.SCHEDULER)}/healthz",
            KWOK: f"http://{ADDRESS}:{port(Port.KWOK)}/healthz",
            PROMETHEUS: f"{self.prometheus_url}/-/ready",
        }[component]
