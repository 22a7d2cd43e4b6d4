"""A plugin whose import waits until the test releases it."""

from threading import Event

released = Event()
released.wait()
