"""The chart as Helm renders it without a cluster: objects for values, or the refusal's own words."""

import functools
import json
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

from dev.cluster.client import environment

CHART: Final = Path(__file__).parents[2] / "charts" / "elastic-serving"
NAMESPACE: Final = "es-system"
RELEASE: Final = "es"
FULLNAME: Final = "es-elastic-serving"
MONITORING: Final = ("monitoring.coreos.com/v1/PodMonitor", "monitoring.coreos.com/v1/PrometheusRule")
OLDEST_KUBERNETES: Final = "1.30.0"
TIMEOUT_SECONDS: Final = 60

Object = dict[str, Any]
Values = Mapping[str, Any]


class Refused(Exception):
    """Helm did not render the chart; the message is what it printed."""


@dataclass(frozen=True, slots=True)
class Chart:
    """Runs one Helm binary; ``home`` is its home directory."""

    helm: Path
    home: Path

    def lint(self) -> str:
        """What ``helm lint --strict`` prints about the chart's default values; raises Refused if it finds fault."""
        return self._run(["lint", "--strict", str(CHART)], {})

    def render(
        self, values: Values | None = None, *, served: Sequence[str] = (), kubernetes: str = OLDEST_KUBERNETES
    ) -> list[Object]:
        """Every object for ``values``, hooks included, on a cluster that also serves the API versions ``served``."""
        return list(self._documents(values or {}, served, kubernetes))

    def one(
        self, kind: str, name: str = FULLNAME, values: Values | None = None, *, served: Sequence[str] = ()
    ) -> Object:
        """The only object of ``kind`` and ``name``; an assertion fails if there is none or more than one."""
        found = [o for o in self.render(values, served=served) if (o["kind"], o["metadata"]["name"]) == (kind, name)]
        assert len(found) == 1, f"{len(found)} objects {kind}/{name}"
        return found[0]

    def refusal(self, values: Values, *, kubernetes: str = OLDEST_KUBERNETES) -> str:
        """What Helm says about ``values`` it refuses, on one line; an assertion fails if it renders them."""
        try:
            self.render(values, kubernetes=kubernetes)
        except Refused as refused:
            return " ".join(str(refused).split())
        raise AssertionError(f"rendered: {values}")

    def _documents(self, values: Values, served: Sequence[str], kubernetes: str) -> Iterator[Object]:
        arguments = ["template", RELEASE, str(CHART), f"--namespace={NAMESPACE}", f"--kube-version={kubernetes}"]
        arguments += [f"--api-versions={version}" for version in served]
        yield from (document for document in yaml.safe_load_all(self._run(arguments, values)) if document is not None)

    def _run(self, arguments: Sequence[str], values: Values) -> str:
        stdin = json.dumps(values) if values else ""
        return _helm(self.helm, self.home, (*arguments, "--values=-") if values else tuple(arguments), stdin)


@functools.cache
def _helm(helm: Path, home: Path, arguments: tuple[str, ...], stdin: str) -> str:
    """What Helm prints. The same chart and values render the same, so many tests share one run."""
    done = subprocess.run(
        [str(helm), *arguments],
        input=stdin,
        capture_output=True,
        text=True,
        env=environment(home),
        timeout=TIMEOUT_SECONDS,
        check=False,
    )
    if done.returncode != 0:
        raise Refused(done.stderr or done.stdout)
    return done.stdout


def container(deployment: Object) -> Object:
    """The operator's container of its Deployment."""
    (only,) = deployment["spec"]["template"]["spec"]["containers"]
    assert isinstance(only, dict)
    return only


def variables(deployment: Object) -> dict[str, str]:
    """The container's environment variables that have a value of their own, by name."""
    return {entry["name"]: entry["value"] for entry in container(deployment)["env"] if "value" in entry}
