#!/usr/bin/env bash
# Make .venv if there is none that works, and install the package with the versions that were tested together.
# Usage: install.sh EXTRAS, for example install.sh pyside6,dev
set -euo pipefail
cd "$(dirname "$0")/.."

pip() { PIP_DISABLE_PIP_VERSION_CHECK=1 "$@" install --quiet --no-compile --constraint constraints.txt uv; }

# uv installs in a fraction of pip's time, and compiles nothing: most of the modules are never imported.
if ! { .venv/bin/python -c "" && .venv/bin/uv --version; } >/dev/null 2>&1; then
    echo "Making .venv."
    python=$(scripts/find-python.sh)
    # To unpack a pip of its own into .venv takes much longer than to borrow the one that is there.
    if ! { "$python" -m pip --version && "$python" -m venv --clear --without-pip .venv &&
        pip "$python" -m pip --python .venv/bin/python; } >/dev/null 2>&1; then
        # Debian keeps what a virtual environment needs in a package of its own.
        "$python" -c "import ensurepip" 2>/dev/null ||
            scripts/apt-install.sh "$("$python" -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])')"
        "$python" -m venv --clear .venv
        pip .venv/bin/python -m pip
    fi
fi

echo "Installing the tested versions into .venv. The first time takes some minutes."
# Where pip has been told of packages on the disk, or of certificates that the system trusts, so has uv.
find_links=${PIP_FIND_LINKS-}
export UV_FIND_LINKS="${UV_FIND_LINKS-${find_links// /,}}" UV_SYSTEM_CERTS="${UV_SYSTEM_CERTS-true}"
# With a pip, which belongs to an environment that people install into.
.venv/bin/uv pip install --quiet --python .venv/bin/python --constraint constraints.txt pip --editable ".[$1]"
