"""The HTTP service: the application and its error answers."""
