"""A plugin whose import waits until the test lets it go."""

from threading import Event

released = Event()
released.wait()
