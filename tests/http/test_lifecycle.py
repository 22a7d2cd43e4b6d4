"""The end of an installation, and its configuration form, over HTTP."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from api import PLUGINS_TOML, ApiClient, open_api
from hosting import candidate
from plugins import lifecycle
from scmhost.sdk import Installation, ProviderError


@pytest.fixture
def api(tmp_path: Path) -> Iterator[ApiClient]:
    """An API with the first version of a plugin whose installations grow old."""
    lifecycle.old.received.clear()
    lifecycle.old.uninstall = lambda _installation: None
    config = f"{PLUGINS_TOML}[plugins.aging]\nenabled = true\n"
    with open_api(tmp_path, config, more=[candidate("aging", "plugins.lifecycle:old")]) as opened:
        yield opened


def install(api: ApiClient) -> str:
    made = api.post("integrations/", {"provider": "aging"})
    assert made.status_code == 201, made.text
    return str(made.json()["id"])


def test_deletion_is_empty_when_all_is_cleaned_up(api: ApiClient) -> None:
    """As on Sentry: 204 without a body, then 404."""
    path = f"integrations/{install(api)}/"
    deleted = api.delete(path)
    assert (deleted.status_code, deleted.content) == (204, b"")
    assert lifecycle.old.received[-1] == "uninstall {'host': 'forge.example'} []"
    assert (api.get(path).status_code, api.delete(path).status_code) == (404, 404)


def test_deletion_names_what_is_left(api: ApiClient) -> None:
    """A failing hook is answered with 200 and a note, and the installation is deleted all the same."""

    def refuse(_installation: Installation) -> None:
        raise ProviderError("The token was revoked.")

    lifecycle.old.uninstall = refuse
    path = f"integrations/{install(api)}/"
    deleted = api.delete(path)
    note = "The plugin could not clean up at the code host: The token was revoked."
    assert (deleted.status_code, deleted.json()) == (200, {"notes": [note]})
    assert api.get(path).status_code == 404
    (entry, *_) = api.get("audit-logs/").json()["rows"]
    assert (entry["event"], entry["data"]["notes"]) == ("integration.remove", [note])


def test_configuration_form_is_json_schema(api: ApiClient) -> None:
    """One schema where there is something to configure, none where not, and null when it is not asked for."""
    id_ = install(api)
    shown = api.get(f"integrations/{id_}/").json()
    (schema,) = shown["configOrganization"]
    assert (schema["type"], schema["required"], schema["properties"]["host"]["type"]) == ("object", ["host"], "string")
    assert shown["configData"] == {"host": "forge.example"}
    assert api.get("integrations/", params={"includeConfig": "0"}).json()[0]["configOrganization"] is None
    changed = api.post(f"integrations/{id_}/", {"host": "other.example"}).json()
    assert (changed["configOrganization"], changed["configData"]) == ([schema], {"host": "other.example"})
