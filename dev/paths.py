"""Where binaries and running clusters are kept: the user's own directories, as XDG names them."""

import os
from pathlib import Path


def cache_directory() -> Path:
    """Directory of what can be built again (``$XDG_CACHE_HOME`` or ``~/.cache``), below our own name."""
    return _home("XDG_CACHE_HOME", ".cache") / "elastic-serving"


def state_directory() -> Path:
    """Directory of what runs now (``$XDG_STATE_HOME`` or ``~/.local/state``), below our own name."""
    return _home("XDG_STATE_HOME", ".local/state") / "elastic-serving"


def _home(variable: str, fallback: str) -> Path:
    # The XDG specification: a relative path is invalid and counts as unset.
    named = os.environ.get(variable, "")
    return Path(named) if named.startswith("/") else Path.home() / fallback
