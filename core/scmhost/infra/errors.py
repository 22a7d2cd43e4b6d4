"""The errors that scmhost raises on purpose."""


class ScmhostError(Exception):
    """Base of every error that scmhost raises on purpose. The text is a sentence for the person who must act."""


class InvalidInput(ScmhostError):
    """The request is wrong; nothing was changed.

    Attributes:
        field: the field that is wrong, by its name on the wire, or None when it is the request as a whole.
    """

    def __init__(self, message: str, field: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.field = field


class NotFound(ScmhostError):
    """What was asked for does not exist in this organization."""


class Conflict(ScmhostError):
    """The request is right, but what is stored stands against it."""


class Forbidden(ScmhostError):
    """The caller may not do this."""


class Unavailable(ScmhostError):
    """Not now: the same request may work in a moment."""


class Unauthenticated(ScmhostError):
    """No token, or none that is valid."""


class ProviderRefused(ScmhostError):
    """A provider's plugin refused or could not do what was asked.

    Attributes:
        reason: ``not_found``, ``invalid``, ``conflict``, ``forbidden`` or ``unavailable``.
    """

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason
