"""Redirects: a URL that other tools put on each frame, and that leads to the frame's source."""
