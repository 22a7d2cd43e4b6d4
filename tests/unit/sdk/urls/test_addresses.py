"""The parts of clone URLs: scheme, host, path, port and user."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scmhost.sdk import UrlError, read_remote
from scmhost.sdk.urls.addresses import MAX_REMOTE, RemoteAddress, read_address
from scmhost.sdk.urls.remotes import WebRepository, find_repository, repository_path

SCHEMES = {
    "https": "https",
    "HTTPS": "https",
    "http": "http",
    "ssh": "ssh",
    "git": "git",
    "ftp": "ftp",
    "ftps": "ftps",
    "rsync": "rsync",
    "svn": "svn",
    "git+ssh": "ssh",
    "ssh+git": "ssh",
    "git+https": "https",
    "git+http": "http",
    "git+git": "git",
    "svn+ssh": "ssh",
    "hg+https": "https",
}


@pytest.mark.parametrize(("written", "scheme"), SCHEMES.items())
def test_schemes_of_package_managers_are_unwrapped(written: str, scheme: str) -> None:
    """The host is reached by the inner scheme."""
    address = read_address(f"{written}://git.example/team/app.git")
    assert address == RemoteAddress(scheme, "git.example", "team/app.git")
    assert address.is_web is (scheme in ("http", "https"))


@pytest.mark.parametrize("scheme", ["javascript", "data", "mailto", "ext", "s3", "git+ftp2", "svn+http2"])
def test_other_schemes_are_refused(scheme: str) -> None:
    """No repository is cloned by another scheme."""
    with pytest.raises(UrlError, match="scheme is none that repositories are cloned by"):
        read_address(f"{scheme}://git.example/team/app")


@pytest.mark.parametrize(
    ("remote", "address"),
    [
        ("git@git.example:team/app.git", RemoteAddress("ssh", "git.example", "team/app.git", None, "git")),
        ("git@git.example:/team/app", RemoteAddress("ssh", "git.example", "team/app", None, "git")),
        ("git.example:team/app", RemoteAddress("ssh", "git.example", "team/app")),
        ("git@git.example:7999/team/app", RemoteAddress("ssh", "git.example", "7999/team/app", None, "git")),
        ("[git@git.example:2222]:team/app", RemoteAddress("ssh", "git.example", "team/app", 2222, "git")),
        ("git@[::1]:team/app", RemoteAddress("ssh", "[::1]", "team/app", None, "git")),
        ("ssh://git@git.example:2222/team/app", RemoteAddress("ssh", "git.example", "team/app", 2222, "git")),
        ("ssh://git@git.example:team/app", RemoteAddress("ssh", "git.example", "team/app", None, "git")),
        ("https://git.example:8443//team//app/", RemoteAddress("https", "git.example", "team/app", 8443)),
        ("https://Git.Example./team/app", RemoteAddress("https", "git.example", "team/app")),
        ("https://bücher.example/a/b", RemoteAddress("https", "xn--bcher-kva.example", "a/b")),
        ("https://git.example/a%20b/%C3%A9", RemoteAddress("https", "git.example", "a b/é")),
        ("https://git.example/team/app?x=1#main", RemoteAddress("https", "git.example", "team/app")),
        (
            "https://org@dev.azure.com/org/p/_git/app",
            RemoteAddress("https", "dev.azure.com", "org/p/_git/app", None, "org"),
        ),
        ("github:team/app", RemoteAddress("ssh", "github.com", "team/app")),
        ("gitlab:group/sub/app#v1", RemoteAddress("ssh", "gitlab.com", "group/sub/app")),
        ("git:git.example.org/team/app", RemoteAddress("git", "git.example.org", "team/app")),
        ("git.example.org/team/app", RemoteAddress("https", "git.example.org", "team/app")),
        ("git@git.example/team/app", RemoteAddress("ssh", "git.example", "team/app")),
        ("lp:app", RemoteAddress("lp", "git.launchpad.net", "app")),
        ("rad:z3gqcJUoA1n9HaHKufZs5FCSGazv5", RemoteAddress("rad", None, "rad:z3gqcJUoA1n9HaHKufZs5FCSGazv5")),
        ("codecommit://profile@app", RemoteAddress("codecommit", None, "app")),
        (
            "codecommit::eu-west-1://profile@app",
            RemoteAddress("codecommit", "git-codecommit.eu-west-1.amazonaws.com", "v1/repos/app"),
        ),
        ("/srv/git/app.git", RemoteAddress("file", None, "/srv/git/app.git")),
        ("../app", RemoteAddress("file", None, "../app")),
        ("C:\\git\\app", RemoteAddress("file", None, "C:/git/app")),
        ("C:/git/app", RemoteAddress("file", None, "C:/git/app")),
        ("file:///srv/git/app", RemoteAddress("file", None, "/srv/git/app")),
        ("app", RemoteAddress("file", None, "app")),
        ("  git@git.example:team/app\n", RemoteAddress("ssh", "git.example", "team/app", None, "git")),
    ],
)
def test_each_form_has_its_parts(remote: str, address: RemoteAddress) -> None:
    """All forms that version control systems and package managers accept are parsed."""
    assert read_address(remote) == address


@pytest.mark.parametrize(
    ("remote", "message"),
    [
        ("https://git.example:0/a/b", "port is out of range"),
        ("https://git.example:65536/a/b", "port is out of range"),
        ("https://git.example:999999999999/a/b", "port is out of range"),
        ("https://git.example:\u0663/a/b", "port is no number"),
        ("https://git.example:\u00b2/a/b", "port is no number"),
        ("https://git.example:80x/a/b", "port is no number"),
        ("https://-/a/b", "names no host"),
        ("https://git example/a/b", "names no host"),
        ("https://[::zz]/a/b", "names no host"),
        ("https://" + "é" * 70 + ".example/a/b", "letters that no host has"),
        ("https://git.example/a%2Fb", "escaped slash or backslash"),
        ("https://git.example/a%5cb", "escaped slash or backslash"),
        ("https://git.example//", "names no repository"),
        ("git@git.example:22:a/b", "two colons"),
        ("codecommit::eu-west-1://a/b", "names no repository"),
        ("codecommit://profile@", "names no repository"),
        ("a\ud800b:c/d", "a lone surrogate"),
        ("", "empty"),
        ("x" * (MAX_REMOTE + 1), "longer than 2000 characters"),
    ],
)
def test_error_names_the_broken_rule(remote: str, message: str) -> None:
    """The message names the rule that the clone URL breaks."""
    with pytest.raises(UrlError, match=message):
        read_address(remote)


@pytest.mark.parametrize("port", ["\u00b2", "\u0663", "\u2460"])
def test_other_digits_are_no_port(port: str) -> None:
    """For SSH, text after the colon that is no port is the beginning of the path."""
    assert read_address(f"ssh://git.example:{port}/a/b") == RemoteAddress("ssh", "git.example", f"{port}/a/b")


@given(st.text("abc019./:@[]~\\?#%+-_ \u00b2\u0663é", max_size=30))
def test_any_text_has_parts_or_is_refused(text: str) -> None:
    """The path has no slash at its end and no empty segment; the host is in lower case."""
    try:
        address = read_address(text)
    except UrlError:
        return
    assert address.path
    assert "//" not in address.path
    assert address.host is None or (address.path.strip("/") == address.path and address.host == address.host.lower())
    assert address.port is None or 1 <= address.port <= 65_535


@pytest.mark.parametrize(
    ("remote", "kind", "web"),
    [
        ("git@git.example:app", None, WebRepository("https://git.example", "app")),
        ("https://git.example:443/a/b.git", None, WebRepository("https://git.example", "a/b")),
        ("http://git.example:8080/a/b.git/", None, WebRepository("http://git.example:8080", "a/b")),
        ("ssh://git.example:2222/a/b", None, WebRepository("https://git.example", "a/b")),
        ("git@github.com:a/b.git", None, WebRepository("https://github.com", "a/b", "github")),
        ("https://github.com/a/b/tree/main/x", None, WebRepository("https://github.com", "a/b", "github")),
        ("git@ssh.github.com:a/b", None, WebRepository("https://github.com", "a/b", "github")),
        ("ssh://git@git.example/srv/git/a/b", "github", WebRepository("https://git.example", "a/b", "github")),
        ("https://git.example/git/a/b", "github", WebRepository("https://git.example/git", "a/b", "github")),
        ("https://github.com/a/b/wiki/x", None, WebRepository("https://github.com", "a/b", "github")),
    ],
)
def test_a_repository_is_found_on_the_web(remote: str, kind: str | None, web: WebRepository) -> None:
    """The base URL of the web pages and the path below it, from a clone URL."""
    assert find_repository(remote, kind) == web


@pytest.mark.parametrize("remote", ["https://git.example/a/../b", "git@git.example:../a", "https://github.com/.."])
def test_dot_segments_are_refused(remote: str) -> None:
    """A path with dot segments names no repository."""
    with pytest.raises(UrlError, match=r"names no repository"):
        find_repository(remote)


@pytest.mark.parametrize(
    ("path", "kind", "expected"),
    [
        ("scm/TEAM/app", "bitbucket_server", "TEAM/app"),
        ("/team/app/", "github", "team/app"),
        ("org/project/_git/app", "azure_devops", "org/project/app"),
    ],
)
def test_a_path_loses_the_parts_of_clone_urls(path: str, kind: str, expected: str) -> None:
    """Some hosts have segments in clone URLs that their pages lack."""
    assert repository_path(path, kind) == expected


@pytest.mark.parametrize(
    ("remote", "owner", "name", "kind"),
    [
        ("/srv/git/team/app.git", None, "app", None),
        ("team/app", "team", "app", None),
        ("app.git/", None, "app", None),
        ("codecommit://app", None, "app", "aws_codecommit"),
        ("rad:zabc", None, "rad:zabc", "radicle"),
    ],
)
def test_a_remote_without_a_host_has_a_name(remote: str, owner: str | None, name: str, kind: str | None) -> None:
    """Only the short form ``owner/name`` has an owner; there is no web page."""
    found = read_remote(remote)
    assert (found.owner, found.repo, found.kind) == (owner, name, kind)
    assert (found.host, found.base_url, found.web_url) == (None, None, None)


@pytest.mark.parametrize("remote", ["https://h_x.example/a/b", "git@_x.example:a/b"])
def test_a_host_that_no_browser_opens_has_no_web_page(remote: str) -> None:
    """A host may be good enough for SSH and not for a link."""
    found = read_remote(remote)
    assert found.host is not None
    assert found.web_url is None or found.web_url.startswith("https://h_x.example/")
