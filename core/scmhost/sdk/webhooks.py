"""Webhooks: those that the host registers, the route and signature of a delivery, and the body of a push."""

import hashlib
import hmac
from collections.abc import Mapping, Sequence
from typing import Annotated, Final, TypeVar

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError

from .commits import CommitDraft, CommitTime, Push, changes_of
from .errors import ProviderError, ProviderForbidden
from .frozen import FrozenDict, Value
from .values import FrozenJson, Repository


class RegisteredWebhook(Value):
    """A webhook that a plugin has registered at its code host.

    Attributes:
        external_id: its id at the code host. Repositories that share one webhook, such as that of a group, have the
            same id; the host removes it with the last of them.
        metadata: data of the plugin, which it gets back to unregister the webhook; no secrets.
    """

    external_id: Annotated[str, Field(min_length=1, max_length=200)]
    metadata: FrozenJson = Field(default_factory=FrozenDict)


class DeliveryRoute(Value):
    """The installation that a delivery to a provider's common address is for.

    Attributes:
        external_id: the external id of the installation, as the body names it.
        secret: the secret that signs the delivery, from the operator's settings; ``scm_read_push`` gets it to check the
            signature. Not part of dumps.
    """

    model_config = ConfigDict(hide_input_in_errors=True)

    external_id: Annotated[str, Field(min_length=1, max_length=64)]
    secret: Annotated[SecretStr, Field(min_length=1)] = Field(exclude=True, repr=False)


# Helpers for ``scm_read_push``. They take constant time. An empty secret matches nothing: everybody can send it.


def check_signature(secret: str, body: bytes, signature: str) -> bool:
    """Return whether a signature is the HMAC-SHA256 of the raw body, in hexadecimal, with or without ``sha256=``."""
    expected = hmac.new(_bytes(secret), body, hashlib.sha256).hexdigest()
    # Some hosts send the digits alone, and some in upper case.
    given = signature.strip().removeprefix("sha256=").lower()
    return bool(secret) and hmac.compare_digest(_bytes(expected), _bytes(given))


def require_signature(headers: Mapping[str, str], body: bytes, secret: str, *names: str) -> None:
    """Check the signature of a delivery, which is in the first of some headers that it has; see ``check_signature``.

    Raises:
        ProviderForbidden: it is missing or wrong.
    """
    if not check_signature(secret, body, next((headers[name] for name in names if headers.get(name)), "")):
        known = " or ".join(name.title() for name in names)
        raise ProviderForbidden(f"{known} is missing, or was made with another secret or for another body.")


def same_secret(secret: str, given: str) -> bool:
    """Return whether two secrets are equal, for hosts that send the secret itself."""
    # Bytes, because ``compare_digest`` refuses text outside of ASCII.
    return bool(secret) and hmac.compare_digest(_bytes(secret), _bytes(given))


def _bytes(text: str) -> bytes:
    # Lone surrogates cannot be encoded as UTF-8, but a header may contain them.
    return text.encode("utf-8", "surrogatepass")


M = TypeVar("M", bound=BaseModel)

_STRICT: Final = ConfigDict(strict=True, frozen=True)
_Sha = Annotated[str, Field(pattern=r"^[0-9a-fA-F]{1,64}$")]


class _Author(BaseModel):
    name: str | None = None
    email: str | None = None


class GitPushedCommit(BaseModel):
    """A commit in the body of a push."""

    model_config = _STRICT

    id: _Sha
    message: str | None = None
    timestamp: CommitTime = None
    author: _Author | None = None
    added: tuple[str, ...] | None = None
    removed: tuple[str, ...] | None = None
    modified: tuple[str, ...] | None = None

    def draft(self) -> CommitDraft:
        """Return the commit to save."""
        author = self.author or _Author()
        # A path in two lists counts as deleted, else as added: the state after the push.
        lists = (("M", self.modified), ("A", self.added), ("D", self.removed))
        return CommitDraft(
            sha=self.id,
            message=self.message,
            author_name=author.name or None,
            author_email=author.email or None,
            timestamp=self.timestamp,
            changes=changes_of({path: kind for kind, paths in lists for path in paths or ()}),
        )


class GitPushBody(BaseModel):
    """What the body of a push has at all these code hosts. A plugin's own model adds how its host names a repository.

    Attributes:
        ref: the full name of the branch or tag.
        before: the commit before the push; zeros for a new ref.
        after: the last pushed commit; zeros for a deleted ref.
        commits: the listed commits.
    """

    model_config = _STRICT

    ref: Annotated[str, Field(max_length=1000)]
    before: str | None = None
    after: str | None = None
    commits: tuple[GitPushedCommit, ...] | None = None

    def push(self, repositories: Sequence[Repository], external_id: str, otherwise: str, unlisted: int = 0) -> Push:
        """Return the push.

        Args:
            repositories: what ``scm_read_push`` got.
            external_id: the id of the repository in the body: the name there may be a new one.
            otherwise: the URL or name in the body, for a repository that scmhost does not know.
            unlisted: how many commits the body does not list; 1 for an unknown number.

        Raises:
            ProviderError: a value of the body does not fit.
        """
        known = next((one for one in repositories if one.external_id == external_id), None)
        try:
            return Push(
                repository=(known.url or known.name) if known else otherwise,
                ref=self.ref,
                commits=tuple(commit.draft() for commit in self.commits or ()),
                unlisted=max(0, unlisted),
                base=_commit(self.before),
                head=_commit(self.after),
            )
        except ValidationError as error:
            raise _unreadable(error) from None


def read_body(kind: type[M], body: bytes) -> M:
    """Return the JSON of a delivery as a model, for ``scm_read_push`` and ``scm_route_delivery``.

    Raises:
        ProviderError: it does not fit. The text names the place, without values of the body.
    """
    try:
        return kind.model_validate_json(body)
    except ValidationError as error:
        raise _unreadable(error) from None


def _unreadable(error: ValidationError) -> ProviderError:
    first = error.errors(include_url=False, include_input=False, include_context=False)[0]
    place = ".".join(map(str, first["loc"])) or "body"
    return ProviderError(f"The body of the push cannot be read: {place}: {first['msg']}.")


def _commit(sha: str | None) -> str | None:
    """Return a commit id; None for the zeros of a ref that was made or deleted."""
    return sha if sha and sha.strip("0") else None
