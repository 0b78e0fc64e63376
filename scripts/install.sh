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

# Most of the modules that are installed are never imported; those that are get compiled then.
pip_install() { .venv/bin/python -m pip --disable-pip-version-check install --quiet --no-compile "$@"; }

echo "Installing the tested versions into .venv. The first time takes some minutes."
# The pip of Debian 12 finds conflicts between pinned versions where there are none.
pip_install --upgrade "pip>=24.0"
# torch goes first and alone: where pip is set up with a build for CPUs only, it is taken and satisfies all the others.
pip_install --constraint constraints.txt "$(grep -x 'torch==.*' constraints.txt)"
pip_install --constraint constraints.txt --editable ".[$1]"
