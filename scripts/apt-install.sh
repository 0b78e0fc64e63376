#!/usr/bin/env bash
# Install Debian packages where we may; otherwise print the one command that does, and stop.
# Usage: apt-install.sh PACKAGE...
set -euo pipefail

if ! command -v apt-get >/dev/null; then
    echo "error: missing system packages. Install what your system calls these, then try again:" >&2
    echo "    $*" >&2
    exit 1
fi
if [ "$(id -u)" -eq 0 ]; then
    as_root="env"
elif sudo -n true 2>/dev/null; then
    as_root="sudo -n env"
else
    echo "error: missing system packages. Install them with this command, then try again:" >&2
    echo "    sudo apt-get install --yes --no-install-recommends $*" >&2
    exit 1
fi

echo "Installing system packages: $*"
apt="$as_root DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=300"
$apt update || echo "apt-get update failed; trying with the package lists that are there" >&2
$apt install --yes --no-install-recommends "$@" >/dev/null
