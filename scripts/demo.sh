#!/usr/bin/env bash
# Open napari with a noisy image and the Denoise panel, and run it. Without a display, do the same on a virtual one
# and save a screenshot and the result.
set -euo pipefail
cd "$(dirname "$0")/.."

if scripts/headless.sh; then
    folder=${DEMO_OUTPUT:-demo-output}
    mkdir -p "$folder"
    xvfb-run --auto-servernum --server-args="-screen 0 1440x1000x24" \
        .venv/bin/napari-microdiff demo --screenshot "$folder"
    echo "There is no display, so this ran on a virtual one. The screenshot and the result:"
    cd "$folder" && printf '    %s\n' "$PWD"/*
else
    exec .venv/bin/napari-microdiff demo
fi
