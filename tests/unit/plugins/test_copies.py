"""What a hook changes in a frozen value reaches neither the host nor another plugin."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from api import PLUGINS_TOML, open_api
from hosting import candidate, host_of
from plugins import listener
from plugins.changer import FOREIGN, spoil
from scmhost.installations.install import install_provider
from scmhost.plugins import ProviderCalls
from scmhost.plugins.isolation.inline_calls import KeptCopies
from scmhost.repositories import queries as repository_queries
from scmhost.repositories.claim import add_repository, create_repository, serialize_repository
from scmhost.sdk import AddRequest, Installation, Location, Organization, Repository
from scmhost.sdk.values import own_copy

ENTRY = "plugins.changer:plugin"


def organization() -> Organization:
    return Organization(id=1, slug="acme", name="Acme")


def installation(**fields: Any) -> Installation:
    own = {"id": 3, "organization_id": 1, "provider": "changer", "name": "forge", "external_id": "1"}
    return Installation.model_validate({**own, "configuration": {"list": [{"a": 1}]}, **fields})


def repository() -> Repository:
    created = datetime(2026, 1, 2, tzinfo=UTC)
    return Repository(id=5, organization_id=1, name="app", created_at=created, configuration={"inner": {"a": [1]}})


def location() -> Location:
    return Location(ref="main", ref_kind="branch", path="here.py", line=3)


Values = tuple[Installation, Repository, Location, AddRequest]

CALLS: dict[str, Callable[[ProviderCalls, Values], object]] = {
    "offers": lambda calls, it: calls.offer_repositories(it[0], [it[1]], ""),
    "dispatch": lambda calls, it: calls.dispatch_repository(it[0], it[3], it[1]),
    "serialize": lambda calls, it: calls.serialize_repository(it[1], {"inner": {"a": 1}}),
    "source page": lambda calls, it: calls.source_url(it[0], it[1], it[2]),
    "commit page": lambda calls, it: calls.commit_url(it[0], it[1], "abc"),
    "pasted page": lambda calls, it: calls.read_source_url(it[0], "https://forge.example", [it[1]]),
    "file": lambda calls, it: calls.file_exists(it[0], it[1], it[2]),
    "push": lambda calls, it: calls.read_push(it[0], {}, b"", ""),
}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_values_of_the_host_stay(call: Callable[[ProviderCalls, Values], object]) -> None:
    """A second call gets the same values as the first one, and the host keeps its own."""
    values = (installation(), repository(), location(), AddRequest(identifier="app", fields={"a": [1]}))
    before = repr(values)
    with host_of({"changer": ENTRY}) as host:
        calls = host.calls("changer")
        assert calls is not None
        for _ in range(2):
            call(calls, values)
            assert repr(values) == before


def test_next_listener_gets_the_original() -> None:
    """The first plugin changes the repository; the second one gets what the host saved."""
    listener.first.received = []
    saved = repository()
    with host_of({"changer": ENTRY, "second": "plugins.listener:first"}) as host:
        host.notify("scm_repository_saved", organization=organization(), repository=saved)
        assert (saved.name, listener.first.received) == ("app", ["startup", "saved app"])


def test_copies_are_deep() -> None:
    """A copy equals its original, and nothing that a plugin can reach from it belongs to the original."""
    held = installation(secrets={"token": SecretStr("t0")})
    copied = own_copy(held)
    assert copied == held
    spoil(copied, copied.secrets, copied.secrets["token"])
    assert (copied.id, copied.secrets["token"].get_secret_value()) == (FOREIGN, "spoilt")
    assert (held.id, held.secrets["token"].get_secret_value()) == (3, "t0")
    assert held.configuration == {"list": [{"a": 1}]}


def test_one_object_has_one_copy() -> None:
    """Many calls with the same repository copy it once; another object with equal fields has a copy of its own."""
    kept, one, equal = KeptCopies(), repository(), repository()

    def given(value: Repository) -> object:
        arguments: dict[str, object] = {"repository": value}
        kept.replace(arguments, ["repository"])
        return arguments["repository"]

    assert given(one) is given(one)
    assert given(one) is not one
    assert given(one) is not given(equal)


def test_many_objects_keep_little_memory() -> None:
    """The number of kept copies has a limit, and each call still gets a copy of its own argument."""
    kept = KeptCopies()
    for number in range(2_000):
        arguments: dict[str, object] = {"organization": Organization(id=number, slug=f"o{number}", name="")}
        kept.replace(arguments, ["organization"])
        given = arguments["organization"]
        assert isinstance(given, Organization)
        assert given.id == number
    assert len(vars(kept)["_kept"]) <= 512


def test_host_saves_under_its_own_organization(tmp_path: Path) -> None:
    """Installing, creating and claiming with a plugin that changes its arguments saves what the host had."""
    config = f"{PLUGINS_TOML}[plugins.changer]\nenabled = true\n"
    with open_api(tmp_path, config, more=[candidate("changer", ENTRY)], background=False) as api:
        services, acme = api.services, api.there.organization
        stored = install_provider(services, acme, "changer", {})
        assert (stored.installation.organization_id, acme.slug) == (api.there.organization.id, "acme")
        bare = create_repository(services, acme, "team/app")[0]
        for identifier, name in (("team/app", "team/app"), ("tools", "created")):
            request = AddRequest(identifier=identifier)
            added = add_repository(services, acme, "changer", stored.installation.id, request)
            with services.store.read() as tx:
                found = repository_queries.get(tx, acme.id, added.saved.id)
            assert found is not None
            assert (found.name, found.installation_id) == (name, stored.installation.id)
            assert added.payload.name == name
        assert serialize_repository(services, acme, bare).name == "team/app"
