"""Clusters that outlive the command that started them: where ``up`` notes what ``down`` will end."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

from dev.cluster.layout import Layout
from dev.cluster.local import LocalCluster
from dev.cluster.process import Identity, Process, Spawner
from dev.cluster.ranges import AddressRange
from dev.paths import state_directory


def save(name: str, cluster: LocalCluster) -> None:
    """Note under ``name`` what runs."""
    path = _path(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    noted = {
        "boot": _boot(),
        "number": cluster.layout.addresses.number,
        "directory": str(cluster.layout.directory),
        "processes": {component: asdict(process.identity) for component, process in cluster.processes.items()},
    }
    path.write_text(json.dumps(noted))


def load(name: str, tools: Mapping[str, Path]) -> LocalCluster | None:
    """The cluster noted under ``name``, or None if there is none. Its processes may have died since."""
    path = _path(name)
    if not path.exists():
        return None
    noted = json.loads(path.read_text())
    if noted["boot"] != _boot():
        return None  # the machine was restarted since: the noted pids and start times mean nothing any more
    layout = Layout(Path(noted["directory"]), AddressRange(noted["number"]), tools)
    processes = [
        Process(component, Identity(**identity), layout.log(component))
        for component, identity in noted["processes"].items()
    ]
    return LocalCluster(layout, Spawner(tethered=False), claim=None, processes=processes)


def forget(name: str) -> None:
    """Remove the note of ``name``."""
    _path(name).unlink(missing_ok=True)


def _boot() -> str:
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()


def _path(name: str) -> Path:
    return state_directory() / "up" / f"{name}.json"
