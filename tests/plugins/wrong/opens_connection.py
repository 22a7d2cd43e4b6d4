"""Opens a connection while it is imported in the suite's own process."""

import socket
import sys

from .correct import Correct

# The suite imports the plugin itself too; only its fresh process has no pytest.
if "pytest" not in sys.modules:
    with socket.socket() as connection:
        connection.connect_ex(("127.0.0.1", 9))


class OpensConnection(Correct):
    """A correct plugin otherwise."""
