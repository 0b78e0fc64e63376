#!/usr/bin/env bash
# Bring the system libraries that Qt and OpenGL need on Linux, and a virtual display where there is no real one.
# Takes no noticeable time when everything is there.
set -euo pipefail
cd "$(dirname "$0")/.."

[ "$(uname -s)" = Linux ] || exit 0

# soname, and the Debian package that holds it
wanted="
libEGL.so.1 libegl1
libGL.so.1 libgl1
libOpenGL.so.0 libopengl0
libdbus-1.so.3 libdbus-1-3
libfontconfig.so.1 libfontconfig1
libglib-2.0.so.0 libglib2.0-0
libxcb-cursor.so.0 libxcb-cursor0
libxcb-icccm.so.4 libxcb-icccm4
libxcb-image.so.0 libxcb-image0
libxcb-keysyms.so.1 libxcb-keysyms1
libxcb-randr.so.0 libxcb-randr0
libxcb-render-util.so.0 libxcb-render-util0
libxcb-shape.so.0 libxcb-shape0
libxcb-xinerama.so.0 libxcb-xinerama0
libxkbcommon-x11.so.0 libxkbcommon-x11-0
"

missing=()
known=$(PATH="$PATH:/sbin:/usr/sbin" ldconfig -p)
while read -r soname package; do
    [ -z "$soname" ] || grep -qF "$soname " <<<"$known" || missing+=("$package")
done <<<"$wanted"
compgen -G "/usr/lib*/*/dri/*_dri.so" >/dev/null || compgen -G "/usr/lib*/dri/*_dri.so" >/dev/null ||
    missing+=(libgl1-mesa-dri)
if scripts/headless.sh; then
    command -v Xvfb >/dev/null || missing+=(xvfb)
    command -v xauth >/dev/null || missing+=(xauth)
fi

[ ${#missing[@]} -eq 0 ] || scripts/apt-install.sh "${missing[@]}"
