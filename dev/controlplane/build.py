"""The binaries of the local cluster, built once per user from the pinned Go modules beside this file.

Each module's binaries lie in a directory named after its go.mod and go.sum, so that a changed pin is a new directory
and nothing is ever built twice or half: a build works in a directory of its own that is renamed when it is complete.
Kubernetes' tools that ``KUBEBUILDER_ASSETS`` holds are taken from there.
"""

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from dev.controlplane.errors import BuildError
from dev.controlplane.lock import exclusive
from dev.controlplane.toolchain import go_binary
from dev.paths import cache_directory

SOURCES: Final = Path(__file__).parent
KUBERNETES_VERSION: Final = "v1.36.3"
ASSETS: Final = "KUBEBUILDER_ASSETS"
TAIL_LINES: Final = 15


@dataclass(frozen=True, slots=True)
class Module:
    """A directory with a go.mod, and how ``go install tool`` builds its tools."""

    name: str
    tools: tuple[str, ...]
    minutes: int
    """What a cold build took on 2 busy cores."""
    ldflags: str = "-s -w"
    tags: str = ""
    renamed: tuple[tuple[str, str], ...] = ()
    """(name Go gives, name we want): Go names a binary after the last element of its path."""


_STAMP: Final = " ".join(
    f"-X k8s.io/component-base/version.{key}={value}"
    for key, value in {"gitVersion": KUBERNETES_VERSION, "gitMajor": "1", "gitMinor": "36"}.items()
)

MODULES: Final = (
    Module(
        "kubernetes",
        ("etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "kubectl", "kwok"),
        minutes=7,
        ldflags=f"-s -w {_STAMP}",
        renamed=(("server", "etcd"),),
    ),
    # Only the service discovery we use: the others are half of its dependencies.
    Module("prometheus", ("prometheus",), minutes=3, tags="remove_all_sd,enable_kubernetes_sd"),
    Module("helm", ("helm",), minutes=3),
)


def find_tools() -> Mapping[str, Path]:
    """Path of every tool by name; builds the modules whose tools are not there yet, showing progress on stderr.

    Raises BuildError when there is no toolchain or a build fails.
    """
    console = Console(stderr=True)
    found = dict(_assets())
    for module in MODULES:
        if not all(tool in found for tool in module.tools):
            built = _built(module, console)
            found = {tool: built / tool for tool in module.tools} | found
    return found


def key(module: Module, *, sources: Path = SOURCES) -> str:
    """Twelve hex digits that change whenever a pin or a build flag does."""
    digest = hashlib.sha256()
    for name in ("go.mod", "go.sum"):
        digest.update((sources / module.name / name).read_bytes())
    digest.update(repr((module.ldflags, module.tags, module.tools)).encode())
    return digest.hexdigest()[:12]


def _assets() -> Mapping[str, Path]:
    """Tools that KUBEBUILDER_ASSETS names, as envtest's binaries do: etcd, kube-apiserver, kubectl and maybe more."""
    named = os.environ.get(ASSETS)
    if not named:
        return {}
    directory = Path(named)
    if not directory.is_dir():
        raise BuildError(f"{ASSETS} names {named}, which is no directory")
    return {tool: directory / tool for tool in MODULES[0].tools if os.access(directory / tool, os.X_OK)}


def _built(module: Module, console: Console) -> Path:
    """Directory with the module's binaries, built now if it was not there."""
    target = cache_directory() / "controlplane" / f"{module.name}-{key(module)}" / "bin"
    if target.is_dir():
        return target
    wait = f"another process builds {module.name}; waiting for it"
    with exclusive(target.parent, lambda: console.print(wait)):
        if not target.is_dir():
            _build(module, target, console)
    return target


def _build(module: Module, target: Path, console: Console) -> None:
    go = go_binary(console.print)
    console.print(
        f"building {', '.join(module.tools)} from pinned Go modules: about {module.minutes} min on 2 cores, once"
    )
    partial = target.with_name(f"partial-{os.getpid()}")
    log = target.parent / "build.log"
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    try:
        _install(module, go, partial, log, console)
        for given, wanted in module.renamed:
            (partial / given).rename(partial / wanted)
        lacking = [tool for tool in module.tools if not (partial / tool).is_file()]
        if lacking:
            raise BuildError(f"the build of {module.name} left no {', '.join(lacking)}; its log is {log}")
        partial.rename(target)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _install(module: Module, go: Path, destination: Path, log: Path, console: Console) -> None:
    """Run ``go install tool`` in the module's directory, each package it compiles a line of the log and a tick."""
    command = [str(go), "install", "-v", "-trimpath", f"-ldflags={module.ldflags}", f"-tags={module.tags}", "tool"]
    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with log.open("w") as lines, Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task("resolving modules")
        with subprocess.Popen(
            command,
            cwd=SOURCES / module.name,
            env=_environment(destination),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            bufsize=1,
        ) as build:
            assert build.stdout is not None
            for compiled, line in enumerate(build.stdout, start=1):
                lines.write(line)
                progress.update(task, description=f"{module.name}: {compiled} packages, {line.strip()[:70]}")
            status = build.wait()
    if status != 0:
        raise BuildError(f"building {module.name} failed with status {status}; the end of {log}:\n{_tail(log)}")


def _environment(destination: Path) -> dict[str, str]:
    return os.environ | {
        "GOBIN": str(destination),
        "CGO_ENABLED": "0",  # no C compiler needed
        "GOFLAGS": "-buildvcs=false",
        "GOTOOLCHAIN": "local",  # never another toolchain than the one we chose
    }


def _tail(log: Path) -> str:
    return "\n".join(f"  {line}" for line in log.read_text(errors="replace").splitlines()[-TAIL_LINES:])


def main(arguments: Sequence[str]) -> int:
    """Print the tools' paths, one a line; 1 and a sentence when they cannot be had."""
    if arguments:
        print("usage: python -m dev.controlplane.build", file=sys.stderr)
        return 2
    try:
        for tool, path in sorted(find_tools().items()):
            print(f"{tool}\t{path}")
    except BuildError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
