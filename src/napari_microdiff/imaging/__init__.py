"""The microscope: what is known about images and how they were taken, without any network.

Here live the axes of an image and the walk over its planes (``axes``), parts of images too large to read
(``blocks``), intensities and their normalisation (``intensity``), the noise of a camera and how to measure it
(``camera``, ``noise``), blur and binning (``optics``), the statistics of spectra (``spectrum``), label images as
smooth maps (``instances``), simulated structures and sample images (``structures``, ``samples``) and the measures of
quality (``quality``, ``matching``).

Only numpy, scipy and scikit-image may be imported, and from this package only ``errors``: nothing here knows torch,
models, files or the viewer.
"""
