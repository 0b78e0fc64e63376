"""How a model is run: requests, events, tiles, devices and the canvas on which samplers step.

Nothing here knows what a user asks for (that is ``tasks``) nor who is watching (``viewer`` or the command line).
"""
