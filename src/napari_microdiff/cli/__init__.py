"""The same requests from a shell: ``napari-microdiff denoise IN OUT`` and its siblings.

Here lives only what turns words on a command line into requests, and events and errors into lines of text. Mistakes of
the user give one line on the standard error that begins with ``error:`` and the exit code 2; Ctrl-C gives
``cancelled`` and 130; anything else is a bug and shows where it happened. torch is loaded when a job starts, not
before.
"""

from __future__ import annotations

from .program import app, main

__all__ = ["app", "main"]
