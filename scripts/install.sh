#!/usr/bin/env bash
# Make .venv if there is none that works, and install the package with the versions that were tested together.
# Usage: install.sh EXTRAS, for example install.sh pyside6,dev
set -euo pipefail
cd "$(dirname "$0")/.."

if ! .venv/bin/python -m pip --version >/dev/null 2>&1; then
    python=$(scripts/find-python.sh)
    # Debian keeps what a virtual environment needs in a package of its own.
    "$python" -c "import ensurepip" 2>/dev/null ||
        scripts/apt-install.sh "$("$python" -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])')"
    "$python" -m venv --clear .venv
fi

pip() { .venv/bin/python -m pip --disable-pip-version-check "$@"; }

echo "Installing the tested versions into .venv. The first time takes some minutes."
# The pip of Debian 12 finds conflicts between pinned versions where there are none.
pip install --quiet --upgrade "pip>=24.0"
# torch goes first and alone: where pip is set up with a build for CPUs only, it is taken and satisfies all the others.
pip install --quiet --constraint constraints.txt "$(grep -x 'torch==.*' constraints.txt)"
pip install --quiet --constraint constraints.txt --editable ".[$1]"
