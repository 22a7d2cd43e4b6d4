"""Push webhooks: one module for each form of body, chosen by the headers of the request."""

from collections.abc import Mapping, Sequence
from typing import Final

from scmhost.sdk import ProviderForbidden, Push

from . import bitbucket_cloud, bitbucket_data_center, gitea, github, gitlab, plain
from .body import read_body
from .form import Form

# Gitea also sends GitHub's headers, and Bitbucket Cloud those of Bitbucket Data Center: each is asked before the other.
FORMS: Final[tuple[Form, ...]] = (
    gitea.FORM,
    gitlab.FORM,
    github.FORM,
    bitbucket_cloud.FORM,
    bitbucket_data_center.FORM,
    plain.FORM,
)


def read_push(headers: Mapping[str, str], body: bytes, secret: str) -> Sequence[Push]:
    """The pushes of a webhook.

    An event that is no push, such as a ping, gives none. A push that brings no commits, such as a branch that is
    deleted or a tag, gives a ``Push`` without commits.

    Raises:
        ProviderForbidden: the request is not signed with the secret, in the way of its host.
        ProviderError: the body is not what the host sends; the message names the field.
    """
    form = _form_of(headers)
    if not form.signed(headers, body, secret):
        raise ProviderForbidden(f"{form.signature} is missing, or was made with another secret or for another body.")
    if not form.is_push(headers):
        return ()
    return tuple(read_body(form.body, body).pushes())


def _form_of(headers: Mapping[str, str]) -> Form:
    found = next((form for form in FORMS if form.claims(headers)), None)
    if found is None:
        raise ProviderForbidden("No header tells a host that is known; send X-Scmhost-Signature for a plain push.")
    return found
