"""How Prometheus is reached: URL, TLS and credentials, as one requests session. Nothing ambient: no proxy, no netrc."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import requests
from requests.auth import AuthBase, HTTPBasicAuth

TENANT_HEADER = "X-Scope-OrgID"
"""Tenant of Mimir, Cortex, Loki and Thanos (their documentation on multi-tenancy)."""

_TOKEN = re.compile("[!-~]+")


@dataclass(frozen=True, slots=True)
class PrometheusAccess:
    """One Prometheus, or what speaks its API. ``url`` may end in a path (Mimir: ``/prometheus``).

    Files are read anew for each query (the CA and client certificate for each connection), because Kubernetes rotates
    them in place. A bearer token wins over a user name.
    """

    url: str
    timeout_seconds: float = 5.0
    concurrency: int = 8
    """Queries under way at once, each in a thread of its own."""
    bearer_token_file: Path | None = None
    username: str | None = None
    password_file: Path | None = None
    cert_file: Path | None = None
    key_file: Path | None = None
    ca_file: Path | None = None
    """Authorities to trust instead of the system's."""
    tenant: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)

    @property
    def shown_url(self) -> str:
        """The URL without user, password, query and fragment: fit for logs and conditions."""
        parts = urlsplit(self.url)
        host = parts.netloc.rpartition("@")[2]
        return urlunsplit((parts.scheme, host, parts.path.rstrip("/"), "", ""))


class BadCredential(Exception):
    """A credential that no request can carry; the text does not quote it."""


class BearerFile(AuthBase):
    """Authorization by the token that stands in a file at the time of the request."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        token = self._path.read_text(encoding="utf-8", errors="replace").strip()
        if not _TOKEN.fullmatch(token):
            raise BadCredential(f"{self._path} must hold one token of printable characters without spaces")
        request.headers["Authorization"] = f"Bearer {token}"
        return request


class BasicFile(AuthBase):
    """Basic authentication with the password that stands in a file at the time of the request."""

    def __init__(self, username: str, path: Path | None) -> None:
        self._username = username
        self._path = path

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        password = self._path.read_text(encoding="utf-8", errors="replace").rstrip("\r\n") if self._path else ""
        HTTPBasicAuth(self._username.encode(), password.encode())(request)
        return request


def auth_of(access: PrometheusAccess) -> AuthBase | None:
    """Who we are; None leaves user and password of the URL to requests."""
    if access.bearer_token_file is not None:
        return BearerFile(access.bearer_token_file)
    if access.username is not None:
        return BasicFile(access.username, access.password_file)
    return None


def session_for(access: PrometheusAccess) -> requests.Session:
    """A session that keeps connections open, verifies TLS, sends the tenant and follows no environment variable."""
    session = requests.Session()
    session.trust_env = False
    session.verify = str(access.ca_file) if access.ca_file else True
    if access.cert_file is not None:
        session.cert = (str(access.cert_file), str(access.key_file)) if access.key_file else str(access.cert_file)
    session.headers.update(access.headers)
    if access.tenant:
        session.headers[TENANT_HEADER] = access.tenant
    return session
