"""The operator's wiring, from environment variables ``ELASTIC_SERVING_<FIELD>``; read and validated once, in app.

What a user wishes for a model stands in the ElasticServing; what the operator needs to run stands here.
"""

import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import AnyHttpUrl, Field, SecretStr, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from elastic_serving.observe.access import PrometheusAccess

Seconds = Annotated[float, Field(gt=0, le=3600)]


class Settings(BaseSettings):
    """Every field: meaning, unit, and why its default is what it is."""

    model_config = SettingsConfigDict(env_prefix="ELASTIC_SERVING_", extra="forbid", frozen=True)

    prometheus_url: AnyHttpUrl = Field(
        default=AnyHttpUrl("http://prometheus-operated.monitoring.svc:9090"),
        description="Base URL of the Prometheus that scrapes the engines; default: the Prometheus Operator's Service.",
    )
    prometheus_timeout_seconds: Seconds = Field(
        default=5,
        description="Bound of one query. Five ticks: a slower answer describes a past that scaling left behind.",
    )
    prometheus_concurrency: int = Field(
        default=8, ge=1, le=64, description="Queries under way at once; users' own queries share it with the fleet's."
    )
    prometheus_bearer_token_file: Path | None = Field(
        default=None, description="File with a bearer token; read anew for each query, because such tokens rotate."
    )
    prometheus_username: str | None = Field(default=None, description="User of basic authentication.")
    prometheus_password_file: Path | None = Field(
        default=None, description="File with the password of basic authentication."
    )
    prometheus_cert_file: Path | None = Field(default=None, description="Client certificate (PEM) for mutual TLS.")
    prometheus_key_file: Path | None = Field(default=None, description="Key (PEM) of the client certificate.")
    prometheus_ca_file: Path | None = Field(
        default=None, description="Certificate authorities (PEM) to trust instead of the system's."
    )
    prometheus_tenant: str | None = Field(
        default=None, description="Value of the X-Scope-OrgID header (Mimir, Cortex, Thanos)."
    )
    prometheus_headers: dict[str, SecretStr] = Field(
        default={}, description="More headers of each query, a JSON object."
    )

    watch_namespaces: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(), description="Namespaces to serve, separated by commas; empty means all, which needs a ClusterRole."
    )
    tick_seconds: Seconds = Field(
        default=1,
        description="How often all signals are read. One second: a sample becomes an action in about that time.",
    )
    stale_seconds: Seconds = Field(
        default=30,
        description="Older samples count as missing. Six scrapes of the chart's PodMonitor.",
    )
    reconcile_seconds: Seconds = Field(
        default=60,
        description="How often each cache is compared with a full list: watches do not tell what vanished in a gap.",
    )
    request_timeout_seconds: Seconds = Field(default=10, description="Bound of one call to the Kubernetes API.")
    status_interval_seconds: Seconds = Field(
        default=10,
        description="Least time between two status writes that follow no decision and no condition: 1,000 servings "
        "under load make 100 small writes a second.",
    )

    http_host: str = Field(default="0.0.0.0", description="Address of /livez, /readyz and /metrics.")  # noqa: S104 - a pod's probes come from its node
    http_port: int = Field(
        default=8080, ge=0, le=65535, description="Port of /livez, /readyz and /metrics; 0 takes a free one."
    )
    live_seconds: Seconds = Field(
        default=60, description="Age of the last tick at which /livez says no and the kubelet restarts us."
    )

    lease_name: str = Field(default="elastic-serving", description="Lease of the one leader; the chart renders it.")
    lease_namespace: str = Field(default="elastic-serving", description="Namespace of the Lease.")
    lease_duration_seconds: Seconds = Field(
        default=15, description="A follower takes over after this long without a renewal (Kubernetes' own default)."
    )
    lease_renew_seconds: Seconds = Field(
        default=10,
        description="A leader that could not renew for this long ends its process: always before a follower may start.",
    )
    lease_retry_seconds: Seconds = Field(default=2, description="Time between two attempts to take or renew the Lease.")
    pod_name: str = Field(
        default_factory=socket.gethostname,
        description="Holder of the Lease: the pod's name, so that a restarted container takes its Lease back at once.",
    )

    kubeconfig: Path | None = Field(
        default=None, description="Kubeconfig of the cluster; without it the pod's ServiceAccount is used."
    )
    engine_image: str | None = Field(
        default=None, description="Engine image for servings that name none, instead of the built-in one."
    )
    engine_image_pull_secrets: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(),
        description="Pull secrets of the engine image, separated by commas; each serving's namespace must have them.",
    )
    network_policy: bool = Field(
        default=False,
        description="Make a NetworkPolicy for each serving. Off: many networks enforce none, or have their own.",
    )
    network_policy_namespaces: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(),
        description="Other namespaces whose pods may reach the engines, besides the serving's own.",
    )

    record_directory: Path | None = Field(
        default=None,
        description="Directory for the record of observations and decisions, one JSON line each; none: no record.",
    )
    record_max_bytes: int = Field(
        default=16 << 20, ge=1 << 16, le=1 << 30, description="Size at which a record file is rotated."
    )
    record_files: int = Field(default=4, ge=1, le=100, description="Rotated record files that are kept.")

    log_format: Literal["json", "console"] = Field(
        default="json", description="One JSON object a line, or lines for people."
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="Least severity that is logged."
    )

    @property
    def prometheus_access(self) -> PrometheusAccess:
        """How Prometheus is reached."""
        return PrometheusAccess(
            url=str(self.prometheus_url),
            timeout_seconds=self.prometheus_timeout_seconds,
            concurrency=self.prometheus_concurrency,
            bearer_token_file=self.prometheus_bearer_token_file,
            username=self.prometheus_username,
            password_file=self.prometheus_password_file,
            cert_file=self.prometheus_cert_file,
            key_file=self.prometheus_key_file,
            ca_file=self.prometheus_ca_file,
            tenant=self.prometheus_tenant,
            headers={name: value.get_secret_value() for name, value in self.prometheus_headers.items()},
        )

    def shown(self) -> dict[str, object]:
        """Every setting as it is in force, for the log: secrets as stars, absent ones left out."""
        return {name: value for name, value in self.model_dump(mode="json").items() if value not in (None, [], {})}

    @model_validator(mode="before")
    @classmethod
    def _split_lists(cls, values: dict[str, object]) -> dict[str, object]:
        """Comma-separated names become tuples; empty entries vanish."""
        split = dict(values)
        for field in ("watch_namespaces", "engine_image_pull_secrets", "network_policy_namespaces"):
            text = split.get(field)
            if isinstance(text, str):
                split[field] = tuple(name.strip() for name in text.split(",") if name.strip())
        return split

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.lease_renew_seconds >= self.lease_duration_seconds:
            raise ValueError(
                f"lease_renew_seconds {self.lease_renew_seconds:g} must be below lease_duration_seconds "
                f"{self.lease_duration_seconds:g}, or two leaders could act at once"
            )
        if self.lease_retry_seconds * 2 > self.lease_renew_seconds:
            raise ValueError(
                f"lease_retry_seconds {self.lease_retry_seconds:g} must be at most half of lease_renew_seconds "
                f"{self.lease_renew_seconds:g}, or one lost answer ends the leader"
            )
        if self.prometheus_url.username or self.prometheus_url.password:
            raise ValueError(
                "prometheus_url must not carry a user and a password, they would be logged: "
                "use prometheus_username and prometheus_password_file"
            )
        if (self.prometheus_username is None) != (self.prometheus_password_file is None):
            raise ValueError("prometheus_username and prometheus_password_file must be set together")
        if (self.prometheus_cert_file is None) != (self.prometheus_key_file is None):
            raise ValueError("prometheus_cert_file and prometheus_key_file must be set together")
        return self


def unknown_variables(environment: Mapping[str, str]) -> tuple[str, ...]:
    """Variables with our prefix that name no setting, sorted: probably typing errors, reported once at start.

    They are no error, because Kubernetes itself puts ``ELASTIC_SERVING_*`` variables into pods beside a Service of
    that name.
    """
    known = {f"ELASTIC_SERVING_{name.upper()}" for name in Settings.model_fields}
    return tuple(sorted(name for name in environment if name.startswith("ELASTIC_SERVING_") and name not in known))
