"""Opens a connection while it is imported, where it is the first to be imported."""

import socket
import sys

from .right import Right

if sys.argv[0] == "-c":
    with socket.socket() as connection:
        connection.connect_ex(("127.0.0.1", 9))


class Eager(Right):
    """Has asked already."""
