#!/usr/bin/env bash
# Succeed if there is no display to open a window on. Only Linux can be without one.
[ "$(uname -s)" = Linux ] && [ -z "${DISPLAY:-}" ] && [ -z "${WAYLAND_DISPLAY:-}" ]
