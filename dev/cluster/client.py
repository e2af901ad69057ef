"""kubectl and Helm against one cluster, and nothing of the user's own configuration."""

import json
import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from dev.cluster.errors import ClusterError

TIMEOUT_SECONDS: Final = 120.0


def environment(home: Path) -> dict[str, str]:
    """What components and tools see of the environment: no kubeconfig, no proxy, no preferences; ``home`` is theirs."""
    return {"PATH": os.environ.get("PATH", os.defpath), "HOME": str(home), "KUBERC": "off", "LANG": "C.UTF-8"}


class Client:
    """Runs kubectl and Helm for whom ``kubeconfig`` names; their caches live below ``home``."""

    def __init__(self, kubeconfig: Path, tools: Mapping[str, Path], home: Path) -> None:
        self.kubeconfig = kubeconfig
        self._tools = tools
        self._home = home

    def kubectl(self, *arguments: str, stdin: str | None = None, timeout_seconds: float = TIMEOUT_SECONDS) -> str:
        """What kubectl printed; raises ClusterError with what it complained about."""
        return self._run("kubectl", arguments, stdin, timeout_seconds)

    def helm(self, *arguments: str, stdin: str | None = None, timeout_seconds: float = TIMEOUT_SECONDS) -> str:
        """What Helm printed; raises ClusterError with what it complained about."""
        return self._run("helm", arguments, stdin, timeout_seconds)

    def create(self, objects: Sequence[Mapping[str, object]]) -> None:
        """Create ``objects`` as they are, status included where the kind allows it (nodes do)."""
        manifest = json.dumps({"apiVersion": "v1", "kind": "List", "items": list(objects)})
        self.kubectl("create", "--validate=false", "--filename=-", stdin=manifest)

    def token(self, namespace: str, account: str, *, hours: int = 24) -> str:
        """A bearer token of a ServiceAccount."""
        return self.kubectl("create", "token", account, f"--namespace={namespace}", f"--duration={hours}h").strip()

    def connection(self) -> Mapping[str, object]:
        """The kubeconfig's cluster: where the API server is and whom to trust."""
        view = json.loads(self.kubectl("config", "view", "--raw", "--minify", "--flatten", "--output=json"))
        cluster: Mapping[str, object] = view["clusters"][0]["cluster"]
        return cluster

    def _run(self, tool: str, arguments: Sequence[str], stdin: str | None, timeout_seconds: float) -> str:
        command = [str(self._tools[tool]), f"--kubeconfig={self.kubeconfig}", *arguments]
        try:
            done = subprocess.run(
                command,
                input=stdin,
                capture_output=True,
                text=True,
                env=environment(self._home),
                timeout=timeout_seconds,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise ClusterError(f"{tool} {' '.join(arguments)}: no answer in {timeout_seconds:.0f} s") from error
        if done.returncode != 0:
            raise ClusterError(f"{tool} {' '.join(arguments)}: {done.stderr.strip() or done.stdout.strip()}")
        return done.stdout
