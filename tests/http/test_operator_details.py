"""What members of an organization do not see: lines of plugins.toml, other plugins, and faults of the operator's tools.

The operator sees all of it in ``scmhost plugins list`` and ``why``.
"""

from pathlib import Path

import pytest

from api import PLUGINS_TOML, ApiClient, open_api
from hosting import candidate, report_of
from scmhost.plugins import ProviderOff, read_settings

_ACQUIRER = 'plugins.acquirer = { enabled = true, deny = { organizations = ["acme"] } }\n'
# Each makes the plugin of the installation unusable, with a reason that contains these operator details.
BROKEN = {
    "not installed as stated": (
        '[plugins.custom_scm]\nenabled = true\ndefault = true\ndistribution = "another-one"\n',
        ["plugins.toml:", "another-one"],
    ),
    "refused settings": (
        "[plugins.custom_scm]\nenabled = true\ndefault = true\n[plugins.custom_scm.settings]\nbase = 3\n",
        ["plugins.toml:", "settings.base"],
    ),
    "another plugin has the key": (
        "plugins.custom_scm = { enabled = true, order = 900 }\n" + _ACQUIRER,
        ["acquirer"],
    ),
}


@pytest.mark.parametrize(("text", "details"), BROKEN.values(), ids=BROKEN)
def test_answers_hide_operator_details(tmp_path: Path, text: str, details: list[str]) -> None:
    """Repositories, integrations, links and refusals state that the provider is off, and to whom to turn."""
    folder = tmp_path / "later"
    folder.mkdir()
    with open_api(tmp_path, PLUGINS_TOML) as api:
        repository, installation = api.claimed()
        api.mapping(repository, installation)
        url = api.host.settings.host.database_url
    other = candidate("acquirer", "plugins.same_key:other")
    with open_api(folder, f"schema = 1\n{text}", url, more=[other]) as api:
        answers = _answers(api, repository["id"], installation["id"])
    joined = "\n".join(answers)
    assert [detail for detail in ("plugins.toml", *details) if detail in joined] == []
    assert sum("deny names 'acme'" in answer or "scmhost plugins why" in answer for answer in answers) == len(answers)


def _answers(api: ApiClient, repository: str, installation: str) -> list[str]:
    """Return the texts of all answers that show the state of a provider; the operator sees more."""
    decision = api.services.plugins.decide("custom_scm", api.there.organization)
    assert not decision.on
    assert "scmhost plugins why" not in decision.reason
    frames = {"frames": [{"filename": "/srv/app/a.py", "lineNo": 3}]}
    shown = [
        api.get(f"repos/{repository}/"),
        api.get("repos/"),
        api.get(f"integrations/{installation}/"),
        api.put(f"repos/{repository}/", {"integrationId": installation}),
        api.get(f"integrations/{installation}/repos/"),
        api.post("integrations/", {"provider": "custom_scm", "name": "b", "url": "https://git.example.com/"}),
        api.get("/api/0/projects/acme/web/stacktrace-link/", params={"file": "/srv/app/a.py"}),
        api.post("/api/0/projects/acme/web/explain/", frames),
    ]
    return [f"{answer.url.path} {answer.status_code} {answer.text}" for answer in shown]


def test_operator_sees_the_reason(tmp_path: Path) -> None:
    """The report and the decision of a broken plugin have the line; the error for members has not."""
    with open_api(tmp_path, f"schema = 1\n{BROKEN['not installed as stated'][0]}", background=False) as api:
        plugins, acme = api.services.plugins, api.there.organization
        assert "plugins.toml:" in report_of(plugins, "custom_scm").reason
        assert "plugins.toml:" in plugins.decide("custom_scm", acme).reason
        with pytest.raises(ProviderOff) as refused:
            plugins.calls_for("custom_scm", acme)
        assert "plugins.toml" not in str(refused.value)
        # Rules that concern the organization itself are shown to it.
        text = f"{PLUGINS_TOML}\n[plugins.custom_scm.deny]\norganizations = ['acme']\n"
        (tmp_path / "plugins.toml").write_text(text, encoding="utf-8")
        plugins.reload(read_settings(tmp_path / "plugins.toml", {}))
        assert plugins.idle_reason("custom_scm", acme) == "deny names 'acme'"
