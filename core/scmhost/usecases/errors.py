"""Refusals of use cases that are more than the kernel's."""

from scmhost.kernel.errors import ScmhostError


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
