"""``python -m napari_microdiff`` is the command ``napari-microdiff``."""

from __future__ import annotations

from .cli import main

if __name__ == "__main__":
    main()
