"""Who wrote a commit, by the e-mail address that tells authors apart."""

import re
from typing import Final

_NOT_IN_ADDRESS: Final = re.compile(r"[^a-zA-Z0-9\-_.]")


def author_email(email: str | None, name: str | None, most: int) -> str | None:
    """The author's address, or None for no author.

    Without an address the name becomes a local one. A blank address says that there is no author, and one of more
    characters than ``most`` is no address: cut, it could be someone else's.
    """
    if email is None:
        local = _NOT_IN_ADDRESS.sub("", name or "").lower()
        return f"{local}@localhost" if local else None
    address = email.strip().lower()
    return address if 0 < len(address) <= most else None
