"""Clone URLs: host, repository and web page, without secrets."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loading import case_id, load_cases
from scmhost.sdk import (
    PageRequest,
    TemplateError,
    UrlError,
    kind_of,
    page_url,
    preset,
    preset_kinds,
    read_remote,
    safe_url,
)
from scmhost.sdk.urls.addresses import MAX_REMOTE
from scmhost.sdk.urls.page_templates import names_in
from scmhost.sdk.urls.remotes import find_repository
from strategies import hostile_text

SECRET = "s3cr3t"
FORMS = (
    "https://{user}:{password}@{host}/{path}",
    "https://{user}@{host}/{path}",
    "http://{user}:{password}@{host}:8080/{path}.git",
    "ssh://{user}:{password}@{host}:22/{path}",
    "git+ssh://{user}@{host}/{path}",
    "{user}@{host}:{path}.git",
    "{user}:{password}@{host}:{path}",
    "{user}:{password}@{host}/{path}",
    "codecommit::eu-west-1://{user}@app",
    "codecommit://{user}@app",
    "https://{host}/{path}?private_token={password}",
)
HOSTS = ("github.com", "gitlab.com", "dev.azure.com", "git.example", "bitbucket.example", "git.sr.ht", "localhost")
PATHS = ("team/app", "org/project/_git/app", "scm/TEAM/app", "group/sub/app")
words = st.text(alphabet="abXY09-_.%40:~!$&'()*+,;=/#?", max_size=8)


def own_parts(kind: str) -> tuple[str, ...]:
    """Return the tokens of a repository's path in the path of its page."""
    template = preset(kind).pages.repo
    return () if "?" in template else names_in(template)


@pytest.mark.parametrize("case", load_cases("remotes"), ids=case_id)
def test_clone_url_gives_its_repository(case: dict[str, Any]) -> None:
    """Each form of clone URL gives host, repository and web page."""
    assert case["expected"] == read_remote(case["remote"]).model_dump(mode="json", exclude={"base_url"})


@pytest.mark.parametrize("case", load_cases("refused_remotes"), ids=case_id)
def test_invalid_clone_url_is_refused_without_repeating_it(case: dict[str, Any]) -> None:
    """An invalid clone URL is refused; the message contains no part of it."""
    with pytest.raises(UrlError) as caught:
        read_remote(case["remote"] * case.get("times", 1))
    assert case["contains"] in str(caught.value)
    assert "s3c" not in str(caught.value)


@given(hostile_text | st.text(alphabet="abc./:@[]~\\?#%20-_", max_size=30))
def test_reading_never_raises_anything_else(text: str) -> None:
    """For any text, the result is a remote with a safe URL, or a ``UrlError``."""
    try:
        found = read_remote(text)
    except UrlError:
        return
    assert found.repo
    assert found.web_url is None or safe_url(found.web_url)


@given(st.sampled_from(FORMS), st.sampled_from(HOSTS), st.sampled_from(PATHS), words, words)
def test_secrets_are_dropped(form: str, host: str, path: str, before: str, after: str) -> None:
    """User names and passwords are in no value and no error, with any escaping."""
    secret = f"{before}{SECRET}{after}"
    remote = form.format(user=secret, password=secret, host=host, path=path)
    try:
        answer = json.dumps(read_remote(remote).model_dump(mode="json"))
    except UrlError as error:
        answer = str(error)
    assert SECRET not in answer


@pytest.mark.parametrize("kind", [kind for kind in preset_kinds() if own_parts(kind)])
def test_the_url_of_a_web_page_is_accepted(kind: str) -> None:
    """The URL of a repository's page is read like a clone URL, for each kind of host."""
    page = page_url(PageRequest(kind=kind, base_url="https://git.example", repo="/".join(own_parts(kind)), type="repo"))
    assert isinstance(page, str)
    again = read_remote(page, kind)
    assert again.web_url == page
    assert again.base_url is not None
    assert again.base_url.startswith("https://git.example")


def test_a_given_kind_is_used() -> None:
    """The kind of an unknown host may be given."""
    remote = read_remote("git@git.example:team/app.git", "bitbucket_server")
    assert (remote.kind, remote.web_url) == ("bitbucket_server", "https://git.example/projects/team/repos/app")
    with pytest.raises(TemplateError, match="no preset"):
        read_remote("git@git.example:team/app.git", "nope")


def test_a_local_path_has_no_web_page() -> None:
    """The error explains that a local path has no web page."""
    with pytest.raises(UrlError, match="local path"):
        find_repository("/srv/git/app")


@pytest.mark.parametrize(
    ("host", "kind"),
    [
        ("github.com", "github"),
        ("ssh.github.com", "github"),
        ("team.ghe.com", "github_enterprise"),
        ("github.example", "github_enterprise"),
        ("gitlab.example", "gitlab"),
        ("org.visualstudio.com", "azure_devops"),
        ("visualstudio.com", None),
        ("github.com.evil.example", None),
        ("gitlab.com.evil.example", None),
        ("notgithub.com", None),
        ("github.community", "github_enterprise"),
        ("evil-gitlab.com", None),
        ("git.example", None),
        ("", None),
    ],
)
def test_hosts_are_recognised_by_whole_names(host: str, kind: str | None) -> None:
    """A host is recognised by its name, its domain or a typical name, never by a substring."""
    assert kind_of(host) == kind


def test_a_path_may_show_the_kind() -> None:
    """Some paths exist on one kind of host only; they are ignored on a disguised host."""
    assert kind_of("git.example", "/team/app/-/blob/main/a.py") == "gitlab"
    assert kind_of("gitlab.com.evil.example", "/team/app/-/blob/main/a.py") is None


def test_the_length_of_a_remote_is_limited() -> None:
    """A clone URL of the greatest length is accepted."""
    assert read_remote("/" + "a" * (MAX_REMOTE - 1)).repo
