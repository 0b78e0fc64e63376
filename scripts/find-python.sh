#!/usr/bin/env bash
# Print a Python of version 3.11 or newer: $PYTHON if set, else the first that is found.
set -euo pipefail

for python in ${PYTHON:-python3 python3.14 python3.13 python3.12 python3.11 python}; do
    if "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
        command -v "$python"
        exit 0
    fi
done
echo "error: Python 3.11 or newer was not found. Install it, or name it: make PYTHON=/path/to/python3 ..." >&2
exit 1
