"""The napari side: panels, the jobs that they start and the layers that they make.

This is the only folder that knows napari and Qt. Three rules hold in it: nothing is computed on the GUI thread, layers
are touched on the GUI thread only, and torch is imported by the first job, never by opening a panel.
"""

from .oldest import check_napari

check_napari()
