"""The secrets of installations at rest: encrypt, decrypt, find those that need attention, and change the key."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Final

from pydantic import SecretStr

from scmhost.audit.queries import AuditDraft
from scmhost.audit.queries import add as add_entry
from scmhost.infra.errors import Conflict
from scmhost.infra.secret_box import KeyLost, SecretBox
from scmhost.plugins import PluginFault
from scmhost.sdk import Installation, Organization, ProviderError, RefreshedCredentials
from scmhost.services import Services

from . import queries
from .queries import SealedSecrets

NO_KEY: Final = (
    "this host has no key: the operator makes one with `scmhost secrets new-key` and names it in "
    "secret_keys under [host] of plugins.toml, or in SCMHOST_SECRET_KEYS"
)
LOST: Final = (
    "its secrets cannot be decrypted, because the key that encrypted them is not among host.secret_keys; the operator "
    "adds the key again, or its secrets are entered anew"
)
_BATCH: Final = 100


def seal(box: SecretBox, installation: Installation, secrets: Mapping[str, SecretStr]) -> tuple[str, str]:
    """Return the encrypted secrets of an installation, and the id of the key that encrypted them.

    Raises:
        Conflict: this host has no key.
    """
    if box.key_id is None:
        raise Conflict(f"Installations of {installation.provider} have secrets, and {NO_KEY}.")
    # With its ids: a row that is copied to another installation must not give that one the secrets.
    owner = [installation.organization_id, installation.id]
    plain = {name: secret.get_secret_value() for name, secret in secrets.items()}
    return box.encrypt(json.dumps({"installation": owner, "secrets": plain})), box.key_id


def unseal(box: SecretBox, installation: Installation, sealed: SealedSecrets) -> Mapping[str, SecretStr]:
    """Return the secrets of an installation.

    Raises:
        KeyLost: no key of this host decrypts them, or they are those of another installation.
    """
    stored = json.loads(box.decrypt(sealed.encrypted))
    if stored["installation"] != [installation.organization_id, installation.id]:
        raise KeyLost("the secrets are those of another installation")
    return RefreshedCredentials.model_validate({"secrets": stored["secrets"]}).secrets


def stored_secrets(services: Services, installation: Installation) -> Mapping[str, SecretStr]:
    """Return the secrets of an installation; nothing if it has none, or if they cannot be decrypted."""
    with services.store.read() as tx:
        sealed = queries.sealed_secrets(tx, installation.organization_id, [installation.id]).get(installation.id)
    try:
        return unseal(services.secret_box, installation, sealed) if sealed else {}
    except KeyLost:
        return {}


def attention_reasons(
    services: Services, organization: Organization, installations: Iterable[Installation]
) -> dict[int, str]:
    """Return the reasons why installations of an organization need attention, by id; the others are left out."""
    listed = list(installations)
    with services.store.read() as tx:
        sealed = queries.sealed_secrets(tx, organization.id, [each.id for each in listed])
    reasons = {
        each.id: _secrets_problem(services.secret_box, each, sealed.get(each.id))
        or _configuration_problem(services, each)
        for each in listed
    }
    return {id_: f"Installation needs attention: {reason}." for id_, reason in reasons.items() if reason}


def _secrets_problem(box: SecretBox, installation: Installation, sealed: SealedSecrets | None) -> str | None:
    if sealed is None:
        return None
    try:
        unseal(box, installation, sealed)
    except KeyLost:
        return LOST
    return sealed.problem


def _configuration_problem(services: Services, installation: Installation) -> str | None:
    calls = services.plugins.calls(installation.provider)
    try:
        problem = calls.configuration_problem(installation) if calls else None
    except (PluginFault, ProviderError) as error:
        return f"its configuration cannot be checked ({error})"
    return f"its {problem}" if problem else None


@dataclass(frozen=True, slots=True)
class RotatedSecrets:
    """How many installations have secrets that were encrypted again, were current before, or cannot be decrypted."""

    rotated: int
    current: int
    lost: int


def rotate_secrets(services: Services) -> RotatedSecrets:
    """Encrypt the secrets of all installations with the first key, in batches. What is current is left alone.

    Raises:
        Conflict: this host has no key.
    """
    box = services.secret_box
    if box.key_id is None:
        raise Conflict(f"Secrets cannot be encrypted, because {NO_KEY}.")
    with services.store.read() as tx:
        current = queries.count_sealed(tx).get(box.key_id, 0)
    done, after = RotatedSecrets(0, current, 0), (0, 0)
    while True:
        # A short transaction for each batch: writers of the service wait for it on SQLite.
        with services.store.write() as tx:
            batch = queries.sealed_with_other_keys(tx, box.key_id, after, _BATCH)
            for sealed in batch:
                try:
                    encrypted = box.encrypt(box.decrypt(sealed.encrypted))
                except KeyLost:
                    done = replace(done, lost=done.lost + 1)
                    continue
                done = replace(done, rotated=done.rotated + queries.reseal(tx, sealed, encrypted, box.key_id))
        # Rows that no key decrypts stay as they are: the first ones that are left may be the same again.
        if len(batch) < _BATCH:
            break
        after = batch[-1].organization_id, batch[-1].installation_id
    if done.rotated:
        with services.store.write() as tx:
            details = {"rotated": done.rotated, "lost": done.lost}
            draft = AuditDraft(services.actor, "secrets.rotate", "secret_keys", None, dict(details))
            add_entry(tx, None, draft, services.clock.now())
    return done
