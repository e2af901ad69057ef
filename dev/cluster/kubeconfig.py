"""Kubeconfig files: who someone is to which API server. Only files we made are ever written."""

import base64
from collections.abc import Mapping
from pathlib import Path

import yaml

from dev.cluster.certificates import KeyPair


def connection(server: str, authority: Path) -> dict[str, str]:
    """A kubeconfig's cluster: the API server at ``server``, trusted because of ``authority`` (a PEM file)."""
    return {"server": server, "certificate-authority-data": _inline(authority)}


def write_user(path: Path, cluster: Mapping[str, object], user: Mapping[str, str]) -> Path:
    """``path``, now a kubeconfig that only its owner reads, of ``user`` at ``cluster``.

    The content is inline, so that the file can be copied.
    """
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "local", "cluster": dict(cluster)}],
        "users": [{"name": "user", "user": dict(user)}],
        "contexts": [{"name": "local", "context": {"cluster": "local", "user": "user"}}],
        "current-context": "local",
    }
    path.touch(mode=0o600)
    path.write_text(yaml.safe_dump(config, sort_keys=False))
    return path


def by_certificate(pair: KeyPair) -> dict[str, str]:
    """A kubeconfig's user that shows a client certificate."""
    return {"client-certificate-data": _inline(pair.certificate), "client-key-data": _inline(pair.key)}


def by_token(token: str) -> dict[str, str]:
    """A kubeconfig's user that shows a bearer token."""
    return {"token": token}


def _inline(path: Path) -> str:
    return base64.b64encode(path.read_bytes()).decode()
