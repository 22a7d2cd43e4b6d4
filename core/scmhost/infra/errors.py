"""The errors that scmhost raises on purpose, by what the caller should do."""

from typing import Final


class ScmhostError(Exception):
    """Base of every error that scmhost raises on purpose. The text is a sentence for the person who can fix it.

    Attributes:
        public: what callers of the API may see instead of the text, which has addresses or names of the host.
    """

    public: str | None = None


class InvalidInput(ScmhostError):
    """The request is wrong; nothing was changed.

    Attributes:
        field: the name of the wrong field on the wire, or None if the request as a whole is wrong.
    """

    def __init__(self, message: str, field: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.field = field


class NotFound(ScmhostError):
    """There is no such object in this organization."""


class Conflict(ScmhostError):
    """The request is valid, but conflicts with what is stored."""


class Forbidden(ScmhostError):
    """The caller may not do this."""


class Unavailable(ScmhostError):
    """The request cannot be served now; a retry in a moment may succeed. ``retry_after`` is in seconds."""

    retry_after: int | None = 5


class Unauthenticated(ScmhostError):
    """The request has no valid token."""


class TooManyRequests(ScmhostError):
    """A token, a key or an organization has asked for too much. ``retry_after`` is in seconds."""

    def __init__(self, message: str, retry_after: int) -> None:
        super().__init__(f"{message}; try again in {retry_after} s.")
        self.retry_after = retry_after


class ProviderRefused(ScmhostError):
    """A provider's plugin refused a request, or could not do it.

    Attributes:
        reason: ``not_found``, ``invalid``, ``conflict``, ``forbidden`` or ``unavailable``.
        retry_after: after how many seconds the same request may work, if that is known.
    """

    def __init__(self, reason: str, message: str, retry_after: int | None = None) -> None:
        super().__init__(message)
        self.reason = reason
        self.retry_after = retry_after


Statuses = tuple[tuple[type[ScmhostError], int], ...]

ERROR_STATUS: Final[Statuses] = (
    (Unauthenticated, 401),
    (Forbidden, 403),
    (NotFound, 404),
    (Conflict, 409),
    (Unavailable, 503),
    (InvalidInput, 400),
)
"""The HTTP statuses of errors, in the API and on pages."""

REFUSED_STATUS: Final = {"not_found": 404, "invalid": 400, "conflict": 409, "forbidden": 403, "unavailable": 503}
"""The HTTP status of a ``ProviderRefused`` in the API, by its reason."""


def error_status(error: Exception, statuses: Statuses = ERROR_STATUS) -> int:
    """Return the HTTP status of an error."""
    return next((status for kind, status in statuses if isinstance(error, kind)), 500)
