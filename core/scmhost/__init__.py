"""scmhost links errors to source code, on any code host."""

from typing import Final

__version__: Final = "0.1.0"
