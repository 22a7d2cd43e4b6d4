"""What a plugin raises when it cannot answer, chosen by what the caller should do next.

ProviderError            fix the request (the host answers 400)
├── ProviderForbidden    access is refused (403 where a link was asked for, 401 to a webhook)
└── ProviderUnavailable  try again later (503)

TemplateError            a URL template is wrong; says where and what to write
UrlError                 a URL is unsafe or malformed; says which rule it breaks

"No" as a normal answer is a value (``Refusal``, ``NoUrl``), never one of these.
"""


class ProviderError(Exception):
    """The plugin cannot do what was asked. The text is shown to the person who asked."""


class ProviderForbidden(ProviderError):
    """The code host refuses access to this repository or file, or a webhook does not know the secret."""


class ProviderUnavailable(ProviderError):
    """The code host does not answer now. The same request may work later."""


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
    """A URL is not one that scmhost hands out. The text never repeats user names or passwords."""
