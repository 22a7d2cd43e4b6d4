"""From a pasted page of a frame's file to the roots of a code mapping."""

from pathlib import Path
from typing import Any

import pytest

from api import PLUGINS_TOML, ApiClient, open_api
from hosting import candidate

PATH = "/api/0/projects/acme/web/repo-path-parsing/"
BASE = "https://git.example.com/team/app"


def parse(api: ApiClient, url: str, stack_path: str, **more: Any) -> tuple[int, Any]:
    """Return the status and the answer for a page and a path."""
    answer = api.post(PATH, {"sourceUrl": url, "stackPath": stack_path, **more})
    return answer.status_code, answer.json()


def parsed(api: ApiClient, url: str, stack_path: str, **more: Any) -> tuple[str, str, str]:
    """Return the roots and the branch of a page and a path that are read successfully."""
    status, answer = parse(api, url, stack_path, **more)
    assert status == 200, answer
    return answer["stackRoot"], answer["sourceRoot"], answer["defaultBranch"]


def test_page_url_gives_all_fields_of_a_code_mapping(api: ApiClient) -> None:
    """The answer has the ids of the installation and the repository, the roots and the branch."""
    repository, installation = api.claimed()
    status, answer = parse(api, f"{BASE}/blob/main/src/shop/api/cart.py", "shop/api/cart.py")
    assert status == 200
    assert answer == {
        "integrationId": int(installation["id"]),
        "repositoryId": int(repository["id"]),
        "provider": "custom_scm",
        "stackRoot": "shop/",
        "sourceRoot": "src/shop/",
        "defaultBranch": "main",
    }


@pytest.mark.parametrize(
    ("page", "branch"),
    [
        ("blob/main", "main"),
        ("-/blob/main", "main"),
        ("tree/main", "main"),
        ("-/tree/main", "main"),
        ("blame/main", "main"),
        ("src/branch/main", "main"),
        ("src/tag/v1.0", "v1.0"),
        ("src/commit/" + "a" * 40, "a" * 40),
        ("src/main", "main"),
        ("blob/feature%23one", "feature#one"),
    ],
)
def test_url_forms_of_most_hosts_are_read(api: ApiClient, page: str, branch: str) -> None:
    """The branch is between the repository and the path; line anchors and queries are ignored."""
    api.claimed()
    expected = ("/srv/", "my src/", branch)
    assert parsed(api, f"{BASE}/{page}/my%20src/shop/cart.py?plain=1#L42", "/srv/shop/cart.py") == expected


def test_branch_with_slashes_is_known_from_a_code_mapping(api: ApiClient) -> None:
    """A URL does not show the end of such a branch; the repository's code mappings have it."""
    repository, installation = api.claimed()
    page = f"{BASE}/blob/release/2026/src/cart.py"
    assert parsed(api, page, "/srv/cart.py") == ("/srv/", "2026/src/", "release")
    assert api.mapping(repository, installation, defaultBranch="release/2026").status_code == 201
    assert parsed(api, page, "/srv/cart.py") == ("/srv/", "src/", "release/2026")
    assert parsed(api, f"{BASE}/blob/main/src/cart.py", "/srv/cart.py") == ("/srv/", "src/", "main")


def test_longest_repository_url_is_used(api: ApiClient) -> None:
    """The longest URL that encloses the page is used, and URLs are compared by whole segments."""
    installation = api.install()
    ids = {}
    for name in ("team", "team/app", "team/app-tools"):
        made = api.repository(name, f"https://git.example.com/{name}")
        assert api.claim(made, installation).status_code == 201
        ids[int(made["id"])] = name
    for name in ("team/app", "team/app-tools"):
        _, answer = parse(api, f"https://git.example.com/{name}/blob/main/src/cart.py", "cart.py")
        assert ids[answer["repositoryId"]] == name


@pytest.mark.parametrize("url", [f"{BASE}/", f"{BASE}.git", "http://git.example.com/Team/App"])
def test_spelling_of_the_url_does_not_matter(api: ApiClient, url: str) -> None:
    """A slash or ``.git`` at the end, the scheme and the case of letters do not make another repository."""
    installation = api.install()
    assert api.claim(api.repository(url=url), installation).status_code == 201
    assert parsed(api, f"{BASE}/blob/main/src/cart.py", "/cart.py") == ("/", "src/", "main")


@pytest.mark.parametrize(
    ("stack_path", "roots"),
    [
        ("C:\\Users\\ada\\shop\\cart.py", ("C:\\Users\\ada\\", "src/")),
        ("app:///shop/cart.py", ("app:///", "src/")),
        ("cart.py", ("", "src/shop/")),
    ],
)
def test_paths_of_all_systems_are_read(api: ApiClient, stack_path: str, roots: tuple[str, str]) -> None:
    """The name of the file follows a slash or a backslash."""
    api.claimed()
    assert parsed(api, f"{BASE}/blob/main/src/shop/cart.py", stack_path) == (*roots, "main")


def test_frames_of_classes_have_packages(api: ApiClient) -> None:
    """Frames of Java and Kotlin have a module; snake case is accepted too."""
    api.claimed()
    kotlin = {"module": "com.acme.shop.Cart$1", "abs_path": "Cart.kt", "platform": "java"}
    page = f"{BASE}/blob/main/app/com/acme/shop/Cart.kt"
    assert parsed(api, page, "Cart.kt", **kotlin) == ("com/acme/shop/", "app/com/acme/shop/", "main")


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("cart.py", "Enter a valid URL."),
        ("javascript:alert(1)//cart.py", "Enter a valid URL."),
        ("https://me:secret@git.example.com/team/app/blob/main/cart.py", "Enter a valid URL."),
        (f"{BASE}/blob/main/items.py", "Source code URL points to a different file than the stack trace"),
        ("https://elsewhere.example/team/app/blob/main/cart.py", "Could not find integration"),
        ("https://git.example.com/steve/app/blob/main/cart.py", "Could not find integration"),
        ("https://git.example.com/team/other/blob/main/cart.py", "Could not find repo"),
        (f"{BASE}-tools/blob/main/cart.py", "Could not find repo"),
        (f"{BASE}/cart.py", "Source code URL is no page of a file at a branch, a tag or a commit"),
        (f"{BASE}/blob/cart.py", "Source code URL is no page of a file at a branch, a tag or a commit"),
    ],
)
def test_unreadable_page_url_is_refused(api: ApiClient, url: str, problem: str) -> None:
    """The first problem of the URL has the message that Sentry's clients show."""
    api.claimed()
    assert parse(api, url, "/srv/cart.py") == (400, {"sourceUrl": [problem]})


def test_installation_without_repositories_is_found(api: ApiClient) -> None:
    """The address of the installation decides whether only the repository is missing."""
    api.install(name="team")
    pages = [f"{BASE}/blob/main/cart.py", "https://git.example.com/other/app/blob/main/cart.py"]
    problems = [parse(api, page, "cart.py")[1]["sourceUrl"] for page in pages]
    assert problems == [["Could not find repo"], ["Could not find integration"]]


def test_unclaimed_and_hidden_repositories_are_ignored(api: ApiClient) -> None:
    """A code mapping needs an installation and an active repository."""
    made = api.repository()
    page = f"{BASE}/blob/main/cart.py"
    assert parse(api, page, "cart.py") == (400, {"sourceUrl": ["Could not find integration"]})
    assert api.claim(made, api.install()).status_code == 201
    assert api.put(f"repos/{made['id']}/", {"status": "hidden"}).status_code == 200
    assert parse(api, page, "cart.py") == (400, {"sourceUrl": ["Could not find repo"]})


@pytest.mark.parametrize(
    ("name", "stack_path", "more", "begins"),
    [
        ("%3Canonymous%3E", "<anonymous>", {}, "This is no path"),
        ("cart", "/srv/cart", {}, "The path needs a file extension"),
        ("Cart.java", "Cart.java", {"platform": "java"}, "Frames of this platform need"),
        ("Cart.java", "Cart.java", {"platform": "java", "module": "Cart", "absPath": "Cart.java"}, "The module has no"),
        ("Cart.java", "Cart.java", {"platform": "java", "module": "com.Cart", "absPath": "C.java"}, "This path and"),
    ],
)
def test_frame_without_path_is_refused(
    api: ApiClient, name: str, stack_path: str, more: dict[str, str], begins: str
) -> None:
    """A frame that gives no roots is bad input, with a message."""
    api.claimed()
    status, answer = parse(api, f"{BASE}/blob/main/{name}", stack_path, **more)
    assert status == 400
    assert list(answer) == ["stackPath"]
    assert answer["stackPath"][0].startswith(begins)


def test_both_paths_are_required(api: ApiClient) -> None:
    """A missing field is named."""
    required = ["This field is required."]
    answer = api.post(PATH, {})
    assert (answer.status_code, answer.json()) == (400, {"sourceUrl": required, "stackPath": required})


def test_scopes_of_path_parsing(api: ApiClient) -> None:
    """The scope to read the organization or to change the project is enough."""
    api.claimed()
    body = {"sourceUrl": f"{BASE}/blob/main/cart.py", "stackPath": "cart.py"}
    statuses = {scope: api.post(PATH, body, token=api.token(scope)).status_code for scope in SCOPES}
    assert statuses == SCOPES
    other = api.post("/api/0/projects/acme/no/repo-path-parsing/", body)
    assert other.status_code == 404


SCOPES = {"org:read": 200, "project:write": 200, "project:admin": 200, "project:read": 403, "org:ci": 403}
FORGE = f"{PLUGINS_TOML}\n[plugins.good_forge]\nenabled = true\ndefault = true\n"


def test_plugin_reads_its_own_pages(tmp_path: Path) -> None:
    """The provider's plugin reads URL forms that the host cannot read."""
    with open_api(tmp_path, FORGE, more=[candidate("good_forge")]) as api:
        installation = api.post("integrations/", {"provider": "good_forge"}).json()
        body = {"provider": "good_forge", "installation": installation["id"], "identifier": "app"}
        repository = api.post("repos/", body).json()
        assert api.put(f"repos/{repository['id']}/", {"url": "https://forge.example/app"}).status_code == 200
        status, answer = parse(api, "https://forge.example/app/+/x:y/shop/cart.py", "shop/cart.py")
        assert (status, answer["provider"], answer["repositoryId"]) == (200, "good_forge", int(repository["id"]))
        assert (answer["stackRoot"], answer["sourceRoot"], answer["defaultBranch"]) == ("shop/", "", "main")
        problems = [parse(api, f"https://{host}/no/cart.py", "cart.py")[1] for host in ("forge.example", "x.example")]
        expected = [["Could not find repo"], ["Could not find integration"]]
        assert [problem["sourceUrl"] for problem in problems] == expected
