"""``python -m napari_microdiff`` and the command ``napari-microdiff``."""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command line, and end quietly where Ctrl-C comes before it is there to hear of it."""
    try:
        from .cli import main as run
    except KeyboardInterrupt:
        sys.stderr.write("cancelled\n")
        sys.exit(130)
    run()


if __name__ == "__main__":
    main()
