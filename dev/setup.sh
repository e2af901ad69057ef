#!/usr/bin/env bash
# Makes the virtual environment: usage setup.sh PYTHON VENV. Python >= 3.11 with venv is all it needs; as root on Debian or
# Ubuntu it installs the missing venv package itself.
set -euo pipefail
python=$1 venv=$2

"$python" - <<'PY' || exit 1
import sys
if sys.version_info < (3, 11):
    sys.exit(f"Python {sys.version.split()[0]} is too old, 3.11 or newer is needed: make PYTHON=python3.11 ...")
PY

if ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
  if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    echo "installing python3-venv"
    apt-get update -qq && apt-get install -y -qq python3-venv
  else
    echo "Python has no venv module: install the package python3-venv and try again." >&2
    exit 1
  fi
fi

[ -x "$venv/bin/python" ] || "$python" -m venv "$venv"
echo "installing the pinned packages into $venv"
"$venv/bin/python" -m pip install -q --disable-pip-version-check --require-hashes -r requirements-dev.lock
"$venv/bin/python" -m pip install -q --disable-pip-version-check --no-deps --no-build-isolation -e .
