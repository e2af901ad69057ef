"""Kubeconfig files: who someone is to which API server. Only files we made are ever written."""

import base64
from pathlib import Path

import yaml

from dev.cluster.certificates import KeyPair


def write_kubeconfig(path: Path, *, server: str, authority: Path, user: dict[str, str]) -> Path:
    """``path``, now a kubeconfig that only its owner reads.

    ``authority`` (a PEM file) is the only one trusted. The content is inline, so that the file can be copied.
    """
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [
            {"name": "local", "cluster": {"server": server, "certificate-authority-data": _inline(authority)}}
        ],
        "users": [{"name": "user", "user": user}],
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
