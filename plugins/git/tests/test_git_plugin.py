"""Setting Git up, adding its repositories, and their pages."""

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from command import GitRepository
from scmhost.sdk import (
    AddRequest,
    Claim,
    Create,
    Installation,
    Location,
    NoUrl,
    ProviderError,
    Reason,
    Refusal,
    Repository,
    preset_kinds,
)
from scmhost_git import plugin
from scmhost_git.forms import GitInstallForm, GitSettings

BASE = "https://git.example.com"
SHA = "0123456789abcdef0123456789abcdef01234567"


def repository(number: int = 5, name: str = "team/app", url: str | None = f"{BASE}/team/app") -> Repository:
    return Repository(id=number, organization_id=1, name=name, url=url, created_at=datetime(2026, 1, 2, tzinfo=UTC))


def installation(preset: str = "gitea", organization_id: int = 1, url: str = BASE) -> Installation:
    return Installation(
        id=3,
        organization_id=organization_id,
        provider="git",
        name="disk",
        external_id="1",
        metadata={"domain_name": url},
        configuration={"preset": preset},
    )


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A folder with the clones ``team/app.git`` and ``other/lib``."""
    GitRepository(tmp_path / "other" / "lib").commit(files={"a.py": "1\n"})
    GitRepository(tmp_path / "other" / "lib").git("clone", "--quiet", "--bare", ".", str(tmp_path / "team" / "app.git"))
    return tmp_path


def dispatch(
    root: Path, identifier: str, candidate: Repository | None = None, *, at: Installation | None = None, **fields: Any
) -> Claim | Create | Refusal:
    return plugin.scm_dispatch_repository(
        installation=at or installation(),
        request=AddRequest(identifier=identifier, fields=fields),
        candidate=candidate,
        settings=GitSettings(root=root),
    )


def offered(settings: GitSettings, search: str = "", organization_id: int = 1) -> list[tuple[str, str | None]]:
    offers = plugin.scm_offer_repositories(
        installation=installation(organization_id=organization_id), search=search, settings=settings
    )
    assert [offer.identifier for offer in offers] == [offer.name for offer in offers]
    return [(offer.name, offer.default_branch) for offer in offers]


def test_settings_need_a_folder_of_repositories(root: Path) -> None:
    """An unusable folder is refused with its name, before any hook is called."""
    (root / "file").touch()
    wrong = {
        "repositories": "is no absolute path",
        str(root / "missing"): "does not exist",
        str(root / "file"): "is no directory",
        str(root / "team" / "app.git"): "is a repository itself",
    }
    for folder, problem in wrong.items():
        with pytest.raises(ValidationError, match=f"{re.escape(repr(folder))} {problem}"):
            GitSettings(root=folder)
    with pytest.raises(ValidationError, match="Field required"):
        GitSettings.model_validate({})


@pytest.mark.parametrize("folder", ["..", "../x", "/", "", ".", "missing", "team/app", "team/app.git", "out", "file"])
def test_an_organizations_folder_is_below_the_root(root: Path, folder: str) -> None:
    """The root itself, a folder outside of it and a repository are refused."""
    (root / "file").touch()
    (root / "out").symlink_to(root.parent)
    with pytest.raises(ValidationError, match=f"organizations: {re.escape(repr(folder))} is no directory"):
        GitSettings(root=root, organizations={1: folder})


def test_repositories_are_offered_with_their_branch(root: Path) -> None:
    """Search finds parts of names in any case."""
    settings = GitSettings(root=root)
    assert offered(settings) == [("other/lib", "main"), ("team/app", "main")]
    assert offered(settings, "APP") == [("team/app", "main")]
    (root / "team" / "app.git" / "HEAD").write_text(SHA, encoding="utf-8")
    (root / "other" / "lib" / ".git" / "HEAD").write_bytes(b"ref: refs/heads/\xff")
    assert offered(settings) == [("other/lib", None), ("team/app", None)]


def test_an_organization_uses_its_own_folder_only(root: Path) -> None:
    """With configured folders, names are relative to them; other organizations have no repositories."""
    settings = GitSettings(root=root, organizations={1: "team", 2: "other"})
    assert [offered(settings, organization_id=number) for number in (1, 2, 3)] == [
        [("app", "main")],
        [("lib", "main")],
        [],
    ]
    for number, name in [(1, "lib"), (1, "../other/lib"), (1, "other/lib"), (3, "app")]:
        refused = plugin.scm_dispatch_repository(
            installation=installation(organization_id=number),
            request=AddRequest(identifier=name),
            candidate=None,
            settings=settings,
        )
        assert isinstance(refused, Refusal)
        with pytest.raises(ProviderError, match="no git repository"):
            plugin.scm_resolve_ref(
                installation=installation(organization_id=number),
                repository=repository(name=name),
                ref=None,
                settings=settings,
            )


def test_a_new_repository_is_created_with_its_page(root: Path) -> None:
    """Name, path and web page come from the folder; the identifier may end in .git."""
    facts = {"external_id": "team/app.git", "configuration": {"path": "team/app.git"}, "url": f"{BASE}/team/app"}
    for identifier in ("team/app", "team/app.git"):
        assert dispatch(root, identifier) == Create(name="team/app", **facts)


def test_a_repository_from_commits_is_claimed(root: Path) -> None:
    """It is found by its name or by its id, and keeps its own URL."""
    facts = {"external_id": "team/app.git", "configuration": {"path": "team/app.git"}}
    known = repository(5, "Team/App", "https://own.example/x")
    assert dispatch(root, "team/app", known) == Claim(url="https://own.example/x", **facts)
    assert dispatch(root, "5", known) == Refusal(
        reason="not_found", message="There is no git repository '5' below the operator's folder."
    )
    exact = repository(5, "team/app", None)
    assert dispatch(root, "5", exact) == Claim(url=f"{BASE}/team/app", **facts)
    assert dispatch(root, "5", repository(5, "shop"), path="team/app") == Claim(url=f"{BASE}/team/app", **facts)


def test_a_number_is_a_folder_first(root: Path) -> None:
    """A folder named 5 is preferred to the repository with the id 5."""
    (root / "team" / "app.git").rename(root / "5.git")
    decision = dispatch(root, "5", repository(5, "shop"))
    assert isinstance(decision, Create)
    assert decision.name == "5"


@pytest.mark.parametrize(
    "identifier", ["team", "nowhere", "../team/app", "/team/app", "team//app", "", "team/app/objects"]
)
def test_an_unknown_repository_is_refused(root: Path, identifier: str) -> None:
    """The message contains the identifier."""
    refused = dispatch(root, identifier)
    assert isinstance(refused, Refusal)
    assert (refused.reason, repr(identifier) in refused.message) == ("not_found", True)
    assert isinstance(dispatch(root, "x", path=7), Refusal)


def test_a_long_path_has_a_short_id(root: Path) -> None:
    """External ids have at most 64 characters; two long paths have different ids."""
    ids = set()
    for letter in "ab":
        name = f"{'x' * 80}/{letter}"
        (root / ("x" * 80)).mkdir(exist_ok=True)
        (root / "team" / "app.git").rename(root / f"{name}.git")
        decision = dispatch(root, name)
        assert isinstance(decision, Create)
        ids.add(decision.external_id)
        (root / f"{name}.git").rename(root / "team" / "app.git")
    assert [len(id_) for id_ in ids] == [64, 64]


@pytest.mark.parametrize(
    ("kind", "url"),
    [
        ("gitea", f"{BASE}/team/app"),
        ("gitweb", f"{BASE}/?p=team/app.git"),
        ("cgit", f"{BASE}/team/app.git"),
        ("azure_devops", f"{BASE}/team/_git/app"),
    ],
)
def test_a_page_is_in_the_form_of_its_host(root: Path, kind: str, url: str) -> None:
    """On hosts that show the names on the disk, the URL ends in .git."""
    decision = dispatch(root, "team/app", at=installation(kind))
    assert isinstance(decision, Create)
    assert decision.url == url


def test_without_a_page_there_is_none(root: Path) -> None:
    """A path that the host's URLs cannot contain gives a repository without a URL."""
    (root / "team" / "app.git").rename(root / "app.git")
    decision = dispatch(root, "app", at=installation("google_cloud_source"))
    assert isinstance(decision, Create)
    assert decision.url is None


def form(**fields: str) -> GitInstallForm:
    return GitInstallForm.model_validate({"name": "disk", "url": f"{BASE}/", "preset": "gitea", **fields})


def test_the_form_makes_one_installation() -> None:
    """Equal forms give the same id, other forms another id; the URL has no slash at its end."""
    drafts = [plugin.scm_install(form=form(**fields)) for fields in ({}, {"url": BASE}, {"name": "other"})]
    assert drafts[0] == drafts[1]
    assert drafts[0].external_id != drafts[2].external_id
    assert (drafts[0].metadata, drafts[0].configuration) == ({"domain_name": BASE}, {"preset": "gitea"})


@pytest.mark.parametrize(
    ("url", "kind"),
    [("https://github.com/acme", "github"), ("https://gitlab.example.com", "gitlab"), ("https://cgit.x.org", "cgit")],
)
def test_a_known_host_needs_no_preset(url: str, kind: str) -> None:
    """The kind of host is recognised by its name."""
    assert GitInstallForm(name="disk", url=url).preset == kind


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"name": " "}, "name"),
        ({"url": "file:///srv/git"}, "url"),
        ({"preset": "nonsense"}, "preset"),
        ({"url": "https://code.example", "preset": ""}, "preset"),
        ({"root": "/"}, "root"),
    ],
)
def test_a_wrong_field_is_named(fields: dict[str, str], field: str) -> None:
    """By the name that a person typed, and by that one alone."""
    with pytest.raises(ValidationError) as refused:
        form(**fields)
    assert [error["loc"] for error in refused.value.errors()] == [(field,)]


def test_clients_take_it_for_plain_git() -> None:
    """By this id sentry-cli sends a ref, whose commits are then read from the clone."""
    shown = plugin.scm_serialize_repository(repository=repository())
    assert shown == {"provider": {"id": "git", "name": "Git"}, "externalSlug": "team/app"}


def test_pages_are_those_of_the_preset() -> None:
    """Files, commits and comparisons, and a pasted page is read again."""
    here, known = installation(), repository()
    location = Location(ref=SHA, ref_kind="commit", path="a b.py", line=3)
    page = plugin.scm_source_url(installation=here, repository=known, location=location)
    assert page == f"{BASE}/team/app/src/commit/{SHA}/a%20b.py#L3"
    assert plugin.scm_commit_url(installation=here, repository=known, sha=SHA) == f"{BASE}/team/app/commit/{SHA}"
    compared = plugin.scm_compare_url(installation=here, repository=known, base="a1", head="b2")
    assert compared == f"{BASE}/team/app/compare/a1...b2"
    (read,) = plugin.scm_read_source_url(installation=here, url=page, repositories=[known, repository(6, "x", None)])
    assert (read.repository_id, read.location, read.ambiguous) == (5, location, False)


def test_without_a_url_there_is_a_reason() -> None:
    """A repository without a URL has no page of any kind."""
    here, bare = installation(), repository(url=None)
    location = Location(ref="main", ref_kind="branch", path="a.py")
    answers = [
        plugin.scm_source_url(installation=here, repository=bare, location=location),
        plugin.scm_commit_url(installation=here, repository=bare, sha=SHA),
        plugin.scm_compare_url(installation=here, repository=bare, base="a", head="b"),
    ]
    assert [answer.reason for answer in answers if isinstance(answer, NoUrl)] == [Reason.REPOSITORY_WITHOUT_URL] * 3


@given(kind=st.sampled_from(preset_kinds()), path=st.text(min_size=1, max_size=20))
def test_templates_and_urls_agree(kind: str, path: str) -> None:
    """The templates and ``scm_source_url`` give the same link."""
    templates = plugin.scm_url_templates(installation=installation(kind), repository=repository())
    location = Location(ref=SHA, ref_kind="commit", path=path, line=3)
    source_url = plugin.scm_source_url(installation=installation(kind), repository=repository(), location=location)
    assert templates is not None
    assert source_url == templates.view(location)
