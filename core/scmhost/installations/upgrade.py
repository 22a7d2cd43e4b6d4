"""Save the configurations of installations that a new version of their plugin upgrades.

Calls of hooks upgrade a configuration in memory, so that a read never writes. Here it is saved, once.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import structlog
from pydantic import SecretStr

from scmhost.audit.queries import record
from scmhost.infra.db.errors import BadText
from scmhost.infra.errors import Conflict
from scmhost.organizations import queries as organization_queries
from scmhost.plugins import PluginFault, ProviderCalls
from scmhost.sdk import Installation, JsonObject, Organization, ProviderError
from scmhost.sdk.secrets import secret_fields
from scmhost.services import Services

from . import queries
from .sealing import seal, stored_secrets

_log = structlog.get_logger(__name__)

AGAIN_AFTER: Final = timedelta(hours=1)
"""When all are checked again though no plugin has changed: a flags provider may turn on more organizations."""

_BATCH: Final = 100


@dataclass
class UpgradeRounds:
    """When this process has last checked the configurations, and with which plugins."""

    snapshot: int | None = None
    at: datetime | None = None


def upgrade_when_due(services: Services) -> int:
    """Upgrade configurations if the plugins or their settings have changed since the last time. Return how many."""
    rounds, snapshot, now = services.shared(UpgradeRounds), services.plugins.snapshot_number, services.clock.now()
    if rounds.snapshot == snapshot and rounds.at is not None and rounds.at <= now < rounds.at + AGAIN_AFTER:
        return 0
    count = upgrade_configurations(services)
    # After the work: a database that is down ends it with an error, and the next round tries again.
    rounds.snapshot, rounds.at = snapshot, now
    return count


def upgrade_configurations(services: Services) -> int:
    """Save every configuration that its plugin can upgrade. Return how many were saved.

    What cannot be upgraded stays as it is: the installation needs attention.
    """
    count = 0
    for key in services.plugins.provider_keys:
        calls, after = services.plugins.calls(key), (0, 0)
        # A reload may remove a provider between the two look-ups.
        while calls is not None and calls.has("scm_upgrade_configuration"):
            with services.store.read() as tx:
                batch = [stored.installation for stored in queries.of_provider(tx, key, after, _BATCH)]
            count += sum(_upgrade(services, calls, installation) for installation in batch)
            if len(batch) < _BATCH:
                break
            after = batch[-1].organization_id, batch[-1].id
    return count


def _upgrade(services: Services, calls: ProviderCalls, installation: Installation) -> bool:
    with services.store.read() as tx:
        organization = organization_queries.get_organization(tx, installation.organization_id)
    # No hook is called for an organization for which the provider is off.
    if organization is None or services.plugins.idle_reason(installation.provider, organization):
        return False
    try:
        checked = calls.checked_configuration(installation)
        if checked.upgraded is None:
            return False
        saved = _save(services, organization, calls, installation, checked.upgraded)
    except (PluginFault, ProviderError, Conflict, BadText) as error:
        # One bad installation must not keep the others from being upgraded.
        fields = {"plugin": calls.plugin, "installation": installation.id, "error": str(error)}
        _log.warning("configuration not upgraded", **fields)
        return False
    if saved is not None:
        services.plugins.notify("scm_installation_saved", organization=organization, installation=saved)
    return saved is not None


def _save(
    services: Services,
    organization: Organization,
    calls: ProviderCalls,
    installation: Installation,
    upgraded: JsonObject,
) -> Installation | None:
    """Save an upgraded configuration, unless the stored one was changed meanwhile."""
    model, version = calls.provider.configuration, services.plugins.plugin_version(installation.provider)
    own = secret_fields(model) if model else frozenset()
    # A newer model may keep as a secret what the old one had in plain text.
    moved = {name: SecretStr(value) for name, value in upgraded.items() if name in own and isinstance(value, str)}
    kept = {name: value for name, value in upgraded.items() if name not in own}
    held = stored_secrets(services, installation) if moved else {}
    with services.store.write() as tx:
        if queries.lock_configuration(tx, organization.id, installation.id) != installation.configuration:
            return None
        before = queries.configuration_version(tx, organization.id, installation.id)
        stored = queries.set_configuration(tx, organization.id, installation.id, kept, version)
        if moved:
            queries.save_secrets(tx, installation, *seal(services.secret_box, installation, {**held, **moved}), None)
        details = {"upgradedFrom": before or None, "upgradedTo": version or None}
        target = installation.id, installation.name
        record(tx, services, organization, "integration.edit", target, dict(details))
    return stored.installation if stored else None
