"""Where the API server is and who we are there: the pod's ServiceAccount, or the kubeconfig file that was named."""

import os
import time
from pathlib import Path
from typing import Final

from kubernetes.aio.client import Configuration
from kubernetes.aio.config import (
    ConfigException,
    list_kube_config_contexts,
    load_incluster_config,
    load_kube_config,
)
from yaml import YAMLError

from elastic_serving.errors import InvalidSpec

REFRESH_SECONDS: Final = 60.0
"""How long credentials of a kubeconfig are used before the file is read again; the pod's token has the same period in
kubernetes.aio (a projected token lives 10 minutes at least)."""

_UNUSABLE: Final = (ConfigException, OSError, YAMLError, TypeError, KeyError, AttributeError)
"""What the library raises of a file that is missing, no YAML, or YAML of another shape than a kubeconfig."""

_POD_NAMESPACE: Final = Path("/var/run/secrets/kubernetes.io/serviceaccount/namespace")


def present_namespace(kubeconfig: Path | None) -> str:
    """The namespace of the kubeconfig's current context, or of the pod we run in; ``default`` where neither says."""
    if kubeconfig is None:
        return _POD_NAMESPACE.read_text(encoding="utf-8").strip() if _POD_NAMESPACE.exists() else "default"
    _must_exist(kubeconfig)
    try:
        _, current = list_kube_config_contexts(config_file=str(kubeconfig))  # type: ignore[no-untyped-call]  # it has no annotations
    except _UNUSABLE as error:
        raise InvalidSpec(f"kubeconfig {kubeconfig} gives no access to a cluster: {error}") from error
    return str(current["context"].get("namespace") or "default")


async def load_configuration(kubeconfig: Path | None = None) -> Configuration:
    """The configuration of ``kubeconfig``, or of the pod we run in where that is None.

    Nothing ambient is read: neither KUBECONFIG nor ~/.kube/config, proxies and netrc only where the file names them.
    Tokens are refreshed in both cases. Raises InvalidSpec with the reason.
    """
    configuration = Configuration(client_session_kwargs={"trust_env": False})
    try:
        if kubeconfig is None:
            load_incluster_config(configuration)  # type: ignore[no-untyped-call]  # it has no annotations
        else:
            _must_exist(kubeconfig)
            await _load_file(kubeconfig, configuration)
            # The attribute's type is inferred from its default, None.
            configuration.refresh_api_key_hook = _Reload(kubeconfig)  # type: ignore[assignment]
    except _UNUSABLE as error:
        source = "the pod's ServiceAccount" if kubeconfig is None else f"kubeconfig {kubeconfig}"
        raise InvalidSpec(f"{source} gives no access to a cluster: {error}") from error
    return configuration


def _must_exist(kubeconfig: Path) -> None:
    """Raises InvalidSpec where none of the files is there; as in KUBECONFIG, there may be several."""
    if not any(Path(path).expanduser().exists() for path in str(kubeconfig).split(os.pathsep)):
        raise InvalidSpec(f"kubeconfig {kubeconfig} gives no access to a cluster: there is no such file")


class _Reload:
    """Reads token files and runs credential plugins of a kubeconfig anew, at most every ``REFRESH_SECONDS``."""

    def __init__(self, kubeconfig: Path) -> None:
        self._kubeconfig = kubeconfig
        self._loaded_at = time.monotonic()

    async def __call__(self, configuration: Configuration) -> None:
        if time.monotonic() - self._loaded_at < REFRESH_SECONDS:
            return
        self._loaded_at = time.monotonic()
        await _load_file(self._kubeconfig, configuration)

    def __deepcopy__(self, memo: dict[int, object]) -> "_Reload":
        """Copies of a configuration share one clock: the file is not read once per copy."""
        return self


async def _load_file(kubeconfig: Path, configuration: Configuration) -> None:
    await load_kube_config(  # type: ignore[no-untyped-call]  # it has no annotations
        config_file=str(kubeconfig), client_configuration=configuration, persist_config=False
    )
