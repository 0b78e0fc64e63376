"""The browser for a folder of images: each opens segmented, corrections are saved, and the next ones are prepared.

What runs in a worker is in `work`; all other files run on the GUI thread.
"""
