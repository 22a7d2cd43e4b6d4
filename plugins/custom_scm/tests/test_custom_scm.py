"""Custom SCM, tested with the SDK alone, like any other plugin."""

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from scmhost.sdk import (
    AddRequest,
    Claim,
    Installation,
    Location,
    NoUrl,
    Organization,
    Reason,
    Refusal,
    Repository,
    preset_kinds,
)
from scmhost_custom_scm import plugin
from scmhost_custom_scm.forms import InstallForm

ACME = Organization(id=1, slug="acme", name="Acme")
SHA = "0123456789abcdef0123456789abcdef01234567"
BASE = "https://git.example.com/team/app"


def repository(number: int = 5, name: str = "team/app", url: str | None = BASE) -> Repository:
    return Repository(id=number, organization_id=1, name=name, url=url, created_at=datetime(2026, 1, 2, tzinfo=UTC))


def installation(**configuration: Any) -> Installation:
    return Installation(
        id=3, organization_id=1, provider="custom_scm", name="team", external_id="1", configuration=configuration
    )


@pytest.mark.parametrize("url", ["https://git.example.com", "https://git.example.com/", "https://git.example.com//"])
def test_base_url_and_name_are_joined_with_one_slash(url: str) -> None:
    """The base URL may have any number of slashes at its end."""
    draft = plugin.scm_install(form=InstallForm(name="team", url=url))
    assert draft.metadata == {"domain_name": "https://git.example.com/team"}


def test_a_name_with_blanks_still_gives_a_url() -> None:
    """The name is escaped in the URL, and kept as the displayed name."""
    draft = plugin.scm_install(form=InstallForm(name="My Team", url="https://git.example.com/"))
    assert (draft.name, draft.metadata["domain_name"]) == ("My Team", "https://git.example.com/My%20Team")


def test_equal_forms_give_two_installations() -> None:
    """The same form twice gives different external ids."""
    form = InstallForm(name="team", url="https://git.example.com/")
    assert plugin.scm_install(form=form).external_id != plugin.scm_install(form=form).external_id


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"name": " "}, "name"),
        ({"url": "javascript:alert(1)"}, "url"),
        ({"url": "https://user:secret@git.example.com"}, "url"),
        ({"preset": "nonsense"}, "preset"),
        ({"template": "{repo_url}/x"}, "template"),
        ({"template": "{repo_url}/{path"}, "template"),
        ({"anchor": "#{nonsense}"}, "anchor"),
        ({"commit_template": "{commit}"}, "commit_template"),
        ({"compare_template": "ftp://h/{base}"}, "compare_template"),
    ],
)
def test_a_wrong_field_is_named(fields: dict[str, str], field: str) -> None:
    """A field that would give invalid links is refused; the error names the field."""
    with pytest.raises(ValidationError) as refused:
        InstallForm.model_validate({"name": "team", "url": "https://git.example.com/", **fields})
    assert [error["loc"] for error in refused.value.errors()] == [(field,)]
    assert "secret" not in refused.value.errors()[0]["msg"]


def test_unclaimed_repositories_are_offered() -> None:
    """Each offer has the repository's id; a search matches parts of names, in any case."""
    known = [repository(5, "team/App"), repository(6, "team/lib")]
    assert [offer.identifier for offer in plugin.scm_offer_repositories(repositories=known, search="")] == ["5", "6"]
    assert [offer.name for offer in plugin.scm_offer_repositories(repositories=known, search="aPP")] == ["team/App"]


def test_only_a_candidate_is_claimed() -> None:
    """With a candidate the decision is a claim, else a refusal with the id."""
    request = AddRequest(identifier="5")
    assert plugin.scm_dispatch_repository(request=request, candidate=repository()) == Claim()
    refusal = plugin.scm_dispatch_repository(request=request, candidate=None)
    assert isinstance(refusal, Refusal)
    assert (refusal.reason, "'5'" in refusal.message) == ("not_found", True)


def test_a_repository_shows_its_provider_and_slug() -> None:
    """API answers have the provider's id, and the repository's name as its slug."""
    assert plugin.scm_serialize_repository(repository=repository()) == {
        "provider": {"id": "integrations:custom_scm", "name": "CustomSCM"},
        "externalSlug": "team/app",
    }


locations = st.builds(
    Location,
    ref=st.sampled_from(["main", "feature/x", SHA, "a b"]),
    ref_kind=st.sampled_from(["branch", "tag", "commit"]),
    path=st.text(max_size=40),
    line=st.none() | st.integers(1, 10_000),
    end_line=st.none() | st.integers(1, 10_000),
)


# No deadline: the first example reads the presets.
@settings(deadline=None)
@given(kind=st.sampled_from(preset_kinds()), location=locations)
def test_templates_and_urls_agree(kind: str, location: Location) -> None:
    """The templates and ``scm_source_url`` give the same link."""
    here = installation(preset=kind)
    templates = plugin.scm_url_templates(installation=here, repository=repository())
    assert templates is not None
    url = plugin.scm_source_url(installation=here, repository=repository(), location=location)
    assert url == templates.view(location)
    assert isinstance(url, NoUrl) or url.startswith("https://git.example.com/")


def test_a_commit_and_a_comparison_have_pages() -> None:
    """A kind of host without such a page gives ``NoUrl``."""
    here = installation(preset="gitea")
    assert plugin.scm_commit_url(installation=here, repository=repository(), sha=SHA) == f"{BASE}/commit/{SHA}"
    compared = plugin.scm_compare_url(installation=here, repository=repository(), base="a1", head="b2")
    assert compared == f"{BASE}/compare/a1...b2"
    without = plugin.scm_compare_url(
        installation=installation(preset="sourcehut"), repository=repository(), base="a1", head="b2"
    )
    assert isinstance(without, NoUrl)


def test_without_a_url_there_is_a_reason() -> None:
    """A repository without a URL has no page of any kind."""
    here, bare = installation(), repository(url=None)
    location = Location(ref="main", ref_kind="branch", path="a.py")
    answers = [
        plugin.scm_source_url(installation=here, repository=bare, location=location),
        plugin.scm_commit_url(installation=here, repository=bare, sha=SHA),
        plugin.scm_compare_url(installation=here, repository=bare, base="a", head="b"),
    ]
    assert {answer.reason for answer in answers if isinstance(answer, NoUrl)} == {Reason.REPOSITORY_WITHOUT_URL}
    assert len(answers) == 3


def test_a_pasted_url_is_read() -> None:
    """The URL of a page is a location in its repository; a branch with slashes is ambiguous."""
    here, known = installation(preset="gitea"), [repository(5), repository(6, "team/lib", None), repository(7, "x", "")]
    (found,) = plugin.scm_read_source_url(
        installation=here, url=f"{BASE}/src/commit/{SHA}/a%20b.py#L3-L5", repositories=known
    )
    assert (found.repository_id, found.ambiguous) == (5, False)
    assert found.location == Location(ref=SHA, ref_kind="commit", path="a b.py", line=3, end_line=5)
    ambiguous = plugin.scm_read_source_url(
        installation=here, url=f"{BASE}/src/branch/feature/x/a.py", repositories=known
    )
    assert [(item.location.ref, item.ambiguous) for item in ambiguous] == [("feature", True), ("feature/x", True)]
    for foreign in ("https://other.example/team/app/src/branch/main/a.py", BASE, "javascript:app"):
        assert plugin.scm_read_source_url(installation=here, url=foreign, repositories=known) == []


def test_a_pasted_url_of_a_custom_template_is_read() -> None:
    """The template that builds links also reads them."""
    here = installation(
        template="{repo_url}/show/{path}?rev={ref}[&l={line}]", raw_template="{repo_url}/raw/{ref}/{path}"
    )
    (found,) = plugin.scm_read_source_url(
        installation=here, url=f"{BASE}/show/src/a.py?rev=main&l=3", repositories=[repository()]
    )
    assert found.location == Location(ref="main", ref_kind="branch", path="src/a.py", line=3)


def test_a_custom_template_replaces_that_of_the_preset() -> None:
    """A custom template contains its line anchor; the other pages are those of the preset."""
    here = installation(preset="gitlab", template="{base_url}/show/{owner|segment}/{repo}?f={path}[&l={line}]")
    location = Location(ref=SHA, ref_kind="commit", path="a b.py", line=3)
    shown = plugin.scm_source_url(installation=here, repository=repository(), location=location)
    assert shown == "https://git.example.com/show/team/app?f=a%20b.py&l=3"
    assert plugin.scm_commit_url(installation=here, repository=repository(), sha=SHA) == f"{BASE}/-/commit/{SHA}"


def test_a_custom_anchor_keeps_the_page_of_the_preset() -> None:
    """Each template can be changed alone."""
    here = installation(preset="gitea", anchor="#line-{line}")
    location = Location(ref="main", ref_kind="branch", path="a.py", line=3)
    shown = plugin.scm_source_url(installation=here, repository=repository(), location=location)
    assert shown == f"{BASE}/src/branch/main/a.py#line-3"


@pytest.mark.parametrize(
    ("kind", "page"),
    [
        (
            "azure_devops",
            f"?path=%2Fsrc%2Fa.py&version=GC{SHA}&line=3&lineEnd=4&lineStartColumn=1&lineEndColumn=1",
        ),
        ("bitbucket_server", f"/browse/src/a.py?at={SHA}#3"),
        ("cgit", f"/tree/src/a.py?id={SHA}#n3"),
        ("gitea", f"/src/commit/{SHA}/src/a.py#L3"),
        ("github", f"/blob/{SHA}/src/a.py#L3"),
        ("gitiles", f"/+/{SHA}/src/a.py#3"),
        ("gitlab", f"/-/blob/{SHA}/src/a.py#L3"),
        ("sourcehut", f"/tree/{SHA}/item/src/a.py#L3"),
    ],
)
def test_each_preset_has_its_form(kind: str, page: str) -> None:
    """A link has the form of the chosen kind of host."""
    location = Location(ref=SHA, ref_kind="commit", path="src/a.py", line=3)
    shown = plugin.scm_source_url(installation=installation(preset=kind), repository=repository(), location=location)
    assert shown == BASE + page


@pytest.mark.parametrize("configuration", [{}, {"preset": "github"}, {"anchor": "#L{line}"}])
def test_a_configuration_without_newer_fields_is_valid(configuration: dict[str, str]) -> None:
    """Fields that an older form did not have get their defaults."""
    location = Location(ref="main", ref_kind="branch", path="a.py", line=3)
    shown = plugin.scm_source_url(
        installation=installation(**configuration), repository=repository(), location=location
    )
    assert shown == f"{BASE}/blob/main/a.py#L3"
