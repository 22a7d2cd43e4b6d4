"""Errors that a plugin raises when it cannot answer. Choose one by what the caller should do next.

ProviderError            fix the request (HTTP 400)
├── ApiError             the code host refuses the request, with its status; ``ApiClient`` raises it
│   ├── ApiNotFound      the code host has no such thing, or hides it
│   └── ApiTooLarge      an answer is longer than the client reads
├── FileTooLarge         the file is larger than MAX_FILE_BYTES
├── ProviderForbidden    access is refused (HTTP 403 for a link, 401 for a webhook)
├── ProviderUnauthorized the credentials are refused: the host renews them once and repeats the call (HTTP 403)
└── ProviderUnavailable  try again later (HTTP 503)
    └── RateLimited      try again after a pause; until then the host asks nothing more of this installation

TemplateError            a URL template is wrong; the message gives the place and the fix
UrlError                 a URL is unsafe or malformed; the message names the rule that it breaks

A normal negative answer is a value (``Refusal``, ``NoUrl``), not an error.
"""


class ProviderError(Exception):
    """The plugin cannot do what the request needs. The text is shown to the user."""


class ApiError(ProviderError):
    """The code host refuses a request, such as for a conflict. ``ApiClient`` raises it.

    Attributes:
        status: the status of its HTTP answer.
    """

    def __init__(self, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.status = status


class ApiNotFound(ApiError):
    """The code host has no such thing, or hides it from these credentials (HTTP 404 and 410)."""

    def __init__(self, message: str, status: int = 404) -> None:
        super().__init__(message, status)


class ApiTooLarge(ApiError):
    """An answer of a code host is longer than the client reads."""

    def __init__(self, message: str, status: int = 200) -> None:
        super().__init__(message, status)


class FileTooLarge(ProviderError):
    """The file is larger than ``MAX_FILE_BYTES``. The host reads other files of the repository all the same."""


class ProviderForbidden(ProviderError):
    """The code host refuses access to this repository or file, or a webhook has no valid signature."""


class ProviderUnauthorized(ProviderError):
    """The code host refuses the credentials: they are wrong, expired or revoked.

    Of an installation with secrets the host calls ``scm_refresh_credentials`` once and repeats the call once.
    """


class ProviderUnavailable(ProviderError):
    """The code host does not answer now. The same request may work later.

    Attributes:
        retry_after: for how many seconds the code host asked to be left alone, if it did. The host then calls no I/O
            hook for the installation, jobs wait without losing an attempt, and answers have ``Retry-After``.
    """

    def __init__(self, message: str = "", retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class RateLimited(ProviderUnavailable):
    """The code host refuses requests until a pause is over, such as with HTTP 429."""

    def __init__(self, message: str = "", retry_after: float = 60.0) -> None:
        super().__init__(message, retry_after)


# This class and ``UrlError`` are ValueErrors: pydantic reports a ValueError of a validator as an error of its field.
class TemplateError(ValueError):
    """A URL template does not follow the template language.

    Attributes:
        template: the template as given.
        problem: what is wrong, in a few words.
    """

    def __init__(self, template: str, problem: str, hint: str = "") -> None:
        super().__init__(f"template {template!r}: {problem}" + (f"; {hint}" if hint else ""))
        self.template = template
        self.problem = problem


class UrlError(ValueError):
    """A URL breaks a rule for URLs. The text never repeats user names or passwords."""
