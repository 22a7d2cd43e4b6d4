"""docs/sentry.md: what Sentry opens for frames of each language, with the code mappings of the page, and with none."""

import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlencode

import pytest

from api import SHA, ApiClient, commit, open_api
from indexing import index_files
from scmhost.redirects.keys import create_key

PAGE = Path(__file__).parents[2] / "docs" / "sentry.md"
HOST = "https://git.example.com/team/app/blob/"
ROWS = re.findall(
    r"^\| ([^|]+) \| `([^|]+)` \| ([^|]+) \| `([^|]+)` \|$", PAGE.read_text(encoding="utf-8"), re.MULTILINE
)
BY_NAME = "by name only"

# What other releases and settings of the SDKs send for the same files.
MORE = [
    ("../src/cart.ts", "web/src/cart.ts"),
    ("webpack:///./src/cart.ts", "web/src/cart.ts"),
    ("app:///web/src/App.tsx", "web/src/App.tsx"),
    ("/src/cart.rs", "crates/shop/src/cart.rs"),
    ("cart.go", "cmd/shop/cart.go"),
    ("Cart.cs", "Shop/Cart.cs"),
    ("models/cart.rb", "app/models/cart.rb"),
    ("cart.cpp", "native/cart.cpp"),
    ("Shop/Cart.swift", "ios/Shop/Cart.swift"),
    ("com/acme/Cart.java", "till/src/main/java/com/acme/Cart.java"),
    ("cart.dart", "lib/cart.dart"),
]


class Sentry:
    """What Sentry opens in a browser, with a key of an organization that has a repository and no code mapping."""

    def __init__(self, api: ApiClient) -> None:
        self.api = api
        self.repository, self.installation = api.claimed()
        self._key = create_key(api.services, api.there.organization, "sentry")[1]

    def open(self, filename: str) -> str:
        """Return where the link of a frame leads, below the repository; empty if there is no link."""
        # Sorted, as Sentry's page sorts them.
        query = urlencode({"filename": filename, "installationId": "4f2c9a1e-7d55-4c27-9b0b", "lineNo": 42})
        answer = self.api.client.get(f"/r/sentry/{self._key}?{query}", follow_redirects=False)
        assert answer.status_code in (302, 404), answer.text
        return answer.headers.get("Location", "").removeprefix(HOST)

    def mapped(self, filename: str, roots: str) -> str:
        """Return the same with one code mapping of the page."""
        stack, _, source = roots.partition("=")
        made = self.api.mapping(self.repository, self.installation, stackRoot=stack, sourceRoot=source)
        assert made.status_code == 201, made.text
        try:
            return self.open(filename)
        finally:
            self.api.delete(f"code-mappings/{made.json()['id']}/")


@pytest.fixture(scope="module")
def sentry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sentry]:
    with open_api(tmp_path_factory.mktemp("sentry"), background=False) as api:
        yield Sentry(api)


def test_page_has_ten_languages() -> None:
    """With the other forms there are more than twenty frames."""
    assert len({language for language, *_ in ROWS}) == len(ROWS) >= 10
    assert len(ROWS) + len(MORE) >= 20
    assert {mapping for *_, mapping, _ in ROWS if mapping[0] != "`"} == {BY_NAME}


@pytest.mark.parametrize(("language", "filename", "mapping", "file"), ROWS)
def test_mapping_of_the_page(sentry: Sentry, language: str, filename: str, mapping: str, file: str) -> None:
    """Without commits, the code mapping of the page leads to the file; without both there is a reason."""
    assert sentry.open(filename) == "", language
    if mapping != BY_NAME:
        assert sentry.mapped(filename, mapping.strip("`")) == f"main/{file}#L42"


@pytest.fixture(scope="module")
def known(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sentry]:
    """The same after `scmhost commits send`."""
    with open_api(tmp_path_factory.mktemp("known"), background=False) as api:
        opened = Sentry(api)
        changes = [{"path": file, "type": "A"} for *_, file in ROWS]
        api.post("commits/", {"commits": [commit(SHA, patch_set=changes)]})
        index_files(api.services, api.there.organization)
        yield opened


@pytest.mark.parametrize(
    ("filename", "file"), [(filename, file) for language, filename, _, file in ROWS if language != "Dart"] + MORE
)
def test_commits_are_enough(known: Sentry, filename: str, file: str) -> None:
    """Files are found by their names, without a code mapping; only a package of Dart is no folder."""
    assert known.open(filename) == f"{SHA}/{file}#L42"
