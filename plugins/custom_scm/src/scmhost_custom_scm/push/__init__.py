"""Push webhooks in the formats of several hosts. The headers of a request select the format."""

from collections.abc import Mapping, Sequence
from typing import Final

from scmhost.sdk import ProviderForbidden, Push

from . import bitbucket, commit_lists, plain
from .formats import PushFormat, parse_body

# The order matters: Gitea also sends GitHub's headers, and Bitbucket Cloud those of Bitbucket Data Center.
FORMATS: Final[tuple[PushFormat, ...]] = (
    commit_lists.GITEA,
    commit_lists.GITLAB,
    commit_lists.GITHUB,
    bitbucket.CLOUD,
    bitbucket.DATA_CENTER,
    plain.PLAIN,
)


def read_push(headers: Mapping[str, str], body: bytes, secret: str) -> Sequence[Push]:
    """Return the pushes in a webhook request. Header names are lower case.

    Other events, such as a ping, give an empty result. A push without commits, such as a deleted branch or a tag, gives
    a ``Push`` without commits.

    Raises:
        ProviderForbidden: the signature is missing or wrong.
        ProviderError: the body does not have the format of the host; the message names the fields.
    """
    push_format = next((known for known in FORMATS if known.matches(headers)), None)
    if push_format is None:
        raise ProviderForbidden("No header identifies a known host; send X-Scmhost-Signature for a plain push.")
    # Before the event is read, so that a ping with a wrong secret fails, too.
    if not push_format.is_signed(headers, body, secret):
        raise ProviderForbidden(
            f"{push_format.signature} is missing, or was made with another secret or for another body."
        )
    if not push_format.is_push(headers):
        return ()
    return tuple(parse_body(push_format.body, body).pushes())
