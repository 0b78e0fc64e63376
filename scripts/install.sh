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

echo "Installing the tested versions into .venv. The first time takes some minutes."
# uv installs in a fraction of pip's time, and compiles nothing: most of the modules are never imported.
.venv/bin/python -m pip --disable-pip-version-check install --quiet --no-compile --constraint constraints.txt uv
# Where pip has been told of packages on the disk, or of certificates that the system trusts, so has uv.
find_links=${PIP_FIND_LINKS-}
export UV_FIND_LINKS="${UV_FIND_LINKS-${find_links// /,}}" UV_SYSTEM_CERTS="${UV_SYSTEM_CERTS-true}"
.venv/bin/uv pip install --quiet --python .venv/bin/python --constraint constraints.txt --editable ".[$1]"
