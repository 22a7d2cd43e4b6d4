"""Text that may come from anywhere, made harmless for a terminal or a page: what would act is shown instead."""

import re
from typing import Final

# Colours and "erase to the end of the line", which tools print beside them.
_COLOUR: Final = r"\x1b\[[\d;:]{0,64}[mK]"
# Titles, hyperlinks, notifications: nothing of them is text.
_COMMAND: Final = r"\x1b\][^\x07\x1b]{0,4096}(?:\x07|\x1b\\)"
# Directions that reach beyond their line and make text look like other text.
_DIRECTIONS: Final = "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"
_ACTING: Final = f"[\x00-\x08\x0b-\x1f\x7f-\x9f{_DIRECTIONS}\u2028\u2029\ufeff]"

_ON_TERMINAL: Final = re.compile(f"({_COLOUR})|({_COMMAND})|{_ACTING}")
_ON_PAGE: Final = re.compile(f"{_COLOUR}|({_COMMAND})|{_ACTING}|[\ud800-\udfff]")
RESET: Final = "\x1b[0m"


def for_terminal(text: str) -> str:
    """The text with its colours, and with pictures of all other characters that a terminal would obey."""
    return _ON_TERMINAL.sub(_pictured_but_colours, text)


def for_page(text: str) -> str:
    """The text without colours, and with pictures of characters that are none. It is not escaped for a language."""
    return _ON_PAGE.sub(_pictured, text)


def _pictured_but_colours(found: re.Match[str]) -> str:
    return found[1] or _pictured(found)


def _pictured(found: re.Match[str]) -> str:
    text = found[0]
    if len(text) > 1 or text == "\r":
        return ""
    code = ord(text)
    if code < ord(" "):
        return chr(0x2400 + code)
    return "\u2421" if text == "\x7f" else "\ufffd" if 0xD800 <= code <= 0xDFFF else f"<U+{code:04X}>"  # noqa: PLR2004
