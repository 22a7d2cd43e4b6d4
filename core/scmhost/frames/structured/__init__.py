"""Traces as JSON: what tools send. A new form is a module with ``SIGNS`` and ``read``, and a row in the table.

Each form says where in the document its frames are; positions in the text are found afterwards, by the paths.
"""

import json
from collections.abc import Iterator
from typing import Any, Final, Protocol

from scmhost.frames.frame import Frame

from . import otel, pytest_report, sarif, sentry


class Form(Protocol):
    """A form of JSON that has frames."""

    @property
    def SIGNS(self) -> tuple[str, ...]:  # noqa: N802 - a constant of each module
        """Every document of this form contains one of these."""

    @property
    def WITH_TEXTS(self) -> bool:  # noqa: N802 - the same
        """Whether texts within the document have traces of their own, for the notations to read."""

    def read(self, document: Any, /) -> Iterator[Frame]:
        """The frames of a document, in its order; nothing when it is of another form."""


FORMS: Final[tuple[Form, ...]] = (sarif, pytest_report, sentry, otel)


def read_document(text: str) -> tuple[list[Frame], bool] | None:
    """The frames of a text that is one JSON document, and whether its texts have more; None if no form fits."""
    forms = [form for form in FORMS if any(sign in text for sign in form.SIGNS)]
    document = _parsed(text) if forms else None
    for form in forms if document is not None else ():
        frames = list(form.read(document))
        if frames:
            return frames, form.WITH_TEXTS
    return None


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None
