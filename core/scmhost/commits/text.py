"""Which text a database can keep."""

import re
from typing import Final

_NOT_STORABLE: Final = re.compile(r"[\x00\ud800-\udfff]")


def is_storable(text: str) -> bool:
    """Whether the text has neither NUL nor half a character."""
    return _NOT_STORABLE.search(text) is None
