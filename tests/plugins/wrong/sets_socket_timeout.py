"""Sets the timeout of all sockets of the process while it is imported."""

import socket
import sys

from .correct import Correct

# The suite imports the plugin itself too; only its fresh process has no pytest.
if "pytest" not in sys.modules:
    socket.setdefaulttimeout(3)


class SetsSocketTimeout(Correct):
    """A correct plugin otherwise."""
