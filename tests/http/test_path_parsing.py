"""From a pasted page of a frame's file to the roots of a code mapping."""

from pathlib import Path
from typing import Any

import pytest

from api import SWITCHBOARD, ApiClient, open_api
from hosting import candidate

PATH = "/api/0/projects/acme/web/repo-path-parsing/"
BASE = "https://git.example.com/team/app"


def parse(api: ApiClient, url: str, stack_path: str, **more: Any) -> tuple[int, Any]:
    """The status and the answer to a page and a path."""
    answer = api.post(PATH, {"sourceUrl": url, "stackPath": stack_path, **more})
    return answer.status_code, answer.json()


def parsed(api: ApiClient, url: str, stack_path: str, **more: Any) -> tuple[str, str, str]:
    """The roots and the branch of a page and a path that must be read."""
    status, answer = parse(api, url, stack_path, **more)
    assert status == 200, answer
    return answer["stackRoot"], answer["sourceRoot"], answer["defaultBranch"]


def test_page_url_gives_all_fields_of_a_code_mapping(api: ApiClient) -> None:
    """The answer names the installation and the repository by numbers, and has roots and branch."""
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
def test_the_forms_of_most_hosts_are_read(api: ApiClient, page: str, branch: str) -> None:
    """What stands between the repository and the path tells the branch, and lines and queries tell nothing."""
    api.claimed()
    expected = ("/srv/", "my src/", branch)
    assert parsed(api, f"{BASE}/{page}/my%20src/shop/cart.py?plain=1#L42", "/srv/shop/cart.py") == expected


def test_a_branch_with_slashes_is_known_from_a_code_mapping(api: ApiClient) -> None:
    """A URL does not tell where such a branch ends; the code mappings of the repository do."""
    repository, installation = api.claimed()
    page = f"{BASE}/blob/release/2026/src/cart.py"
    assert parsed(api, page, "/srv/cart.py") == ("/srv/", "2026/src/", "release")
    assert api.mapping(repository, installation, defaultBranch="release/2026").status_code == 201
    assert parsed(api, page, "/srv/cart.py") == ("/srv/", "src/", "release/2026")
    assert parsed(api, f"{BASE}/blob/main/src/cart.py", "/srv/cart.py") == ("/srv/", "src/", "main")


def test_the_longest_url_wins_on_the_border_of_a_segment(api: ApiClient) -> None:
    """A repository whose name begins alike is another one, and one within a group is nearer than the group."""
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
def test_urls_are_spelled_in_many_ways(api: ApiClient, url: str) -> None:
    """A slash or ``.git`` at the end, the scheme and the case of letters make no other repository."""
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
    """The name of the file is found behind slashes and backslashes."""
    api.claimed()
    assert parsed(api, f"{BASE}/blob/main/src/shop/cart.py", stack_path) == (*roots, "main")


def test_classes_have_their_packages(api: ApiClient) -> None:
    """Frames of Java and Kotlin say their module; snake case is taken too."""
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
    """Each fault of the URL is told in the words that Sentry's clients know, the first one first."""
    api.claimed()
    assert parse(api, url, "/srv/cart.py") == (400, {"sourceUrl": [problem]})


def test_an_installation_without_repositories_is_found(api: ApiClient) -> None:
    """The installation's own address tells whether only the repository is missing."""
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
    """A frame of which no root can be told is wrong input, with a sentence."""
    api.claimed()
    status, answer = parse(api, f"{BASE}/blob/main/{name}", stack_path, **more)
    assert status == 400
    assert list(answer) == ["stackPath"]
    assert answer["stackPath"][0].startswith(begins)


def test_both_paths_are_needed(api: ApiClient) -> None:
    """What is missing is named."""
    required = ["This field is required."]
    answer = api.post(PATH, {})
    assert (answer.status_code, answer.json()) == (400, {"sourceUrl": required, "stackPath": required})


def test_scopes(api: ApiClient) -> None:
    """Whoever may read the organization or change the project may ask."""
    api.claimed()
    body = {"sourceUrl": f"{BASE}/blob/main/cart.py", "stackPath": "cart.py"}
    statuses = {scope: api.post(PATH, body, token=api.token(scope)).status_code for scope in SCOPES}
    assert statuses == SCOPES
    other = api.post("/api/0/projects/acme/no/repo-path-parsing/", body)
    assert other.status_code == 404


SCOPES = {"org:read": 200, "project:write": 200, "project:admin": 200, "project:read": 403, "org:ci": 403}
FORGE = f"{SWITCHBOARD}\n[plugins.good_forge]\nenabled = true\ndefault = true\n"


def test_a_plugin_reads_its_own_pages(tmp_path: Path) -> None:
    """The provider knows forms that nobody else does."""
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
