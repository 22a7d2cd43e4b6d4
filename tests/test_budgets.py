"""The rules of layout and style that no linter checks, read off the source."""

import ast
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
HOST = ROOT / "core" / "scmhost"
PLUGINS = sorted((ROOT / "plugins").glob("*/src"))
SOURCES = sorted(path for folder in (HOST, *PLUGINS) for path in folder.rglob("*.py"))

LONGEST_MODULE = 400
LONGEST_FUNCTION = 45
# The greatest share of a module's lines that may be comments.
MOST_COMMENTS = 0.10
# Where foreign code runs: in the host, and in the conformance suite, which works without one. Background loops, and
# the jobs of one, must not end when one round raises.
ISOLATION = HOST / "plugins" / "isolation"
GUARDS = {
    ISOLATION / "event_loop.py",
    ISOLATION / "guard.py",
    ISOLATION / "worker_pool.py",
    ISOLATION / "faults.py",
    HOST / "infra" / "loops.py",
    HOST / "admin" / "background.py",
    HOST / "integrations" / "source_links.py",
    HOST / "sdk" / "testing" / "observe.py",
    # A test run must not depend on its summary.
    HOST / "pytest_plugin.py",
}
MOST_MODULES = 370
# The modules of a package that may use SQLAlchemy, and those that may use FastAPI and Starlette.
SQL_DOORS = ("tables.py", "queries.py", "_queries.py")
HTTP_DOORS = ("routes.py", "schemas.py", "access.py", "http.py")
HTTP_ROOMS = {HOST / "application.py", HOST / "app.py", HOST / "web"}

# The demo shows the first-party plugin at work; nothing else of the host names one.
NAMES_A_PLUGIN = {HOST / "cli" / "demo.py"}


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


every_source = pytest.mark.parametrize("path", SOURCES, ids=name_of)


def nodes(path: Path) -> Iterator[ast.AST]:
    return ast.walk(ast.parse(path.read_text(encoding="utf-8")))


def length(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Lines of a function without its docstring and its signature."""
    body = function.body[1:] if ast.get_docstring(function) else function.body
    return (body[-1].end_lineno or 0) - body[0].lineno + 1 if body else 0


@every_source
def test_modules_and_functions_stay_short(path: Path) -> None:
    """Modules and functions have at most the length of the budget."""
    assert len(path.read_text(encoding="utf-8").splitlines()) <= LONGEST_MODULE
    functions = [node for node in nodes(path) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    assert {node.name: length(node) for node in functions if length(node) > LONGEST_FUNCTION} == {}


@every_source
def test_only_the_guard_catches_everything(path: Path) -> None:
    """Only the listed modules catch ``Exception``, because it hides faults elsewhere."""
    caught = [
        ast.unparse(node.type) if node.type else "" for node in nodes(path) if isinstance(node, ast.ExceptHandler)
    ]
    broad = [name for name in caught if name in ("", "Exception", "BaseException")]
    assert broad == [] or path in GUARDS


def imported_packages(path: Path) -> set[str]:
    """The top-level names of all absolute imports of a module."""
    imported = [node.module or "" for node in nodes(path) if isinstance(node, ast.ImportFrom) and node.level == 0]
    imported += [alias.name for node in nodes(path) if isinstance(node, ast.Import) for alias in node.names]
    return {name.partition(".")[0] for name in imported}


@every_source
def test_sql_is_in_tables_and_queries(path: Path) -> None:
    """SQL is only in ``queries.py`` of its subject, or in ``infra/db``."""
    uses_sql = not imported_packages(path).isdisjoint({"sqlalchemy", "alembic", "psycopg"})
    assert not uses_sql or path.name.endswith(SQL_DOORS) or path.is_relative_to(HOST / "infra" / "db")


@every_source
def test_http_is_in_routes_and_schemas(path: Path) -> None:
    """Use cases do not depend on HTTP, so commands and embedders can call them."""
    uses_http = not imported_packages(path).isdisjoint({"fastapi", "starlette", "uvicorn"})
    allowed = path.name.endswith(HTTP_DOORS) or any(path.is_relative_to(room) for room in HTTP_ROOMS)
    # "scmhost serve" starts the server.
    assert not uses_http or allowed or path == HOST / "cli" / "serve.py"


def test_the_host_has_few_modules() -> None:
    """A new subject is a room; a new detail belongs into a module that exists."""
    assert len([path for path in SOURCES if path.is_relative_to(HOST)]) <= MOST_MODULES


def test_class_names_are_distinct() -> None:
    """A search for a class name has one answer."""
    classes = Counter(node.name for path in SOURCES for node in nodes(path) if isinstance(node, ast.ClassDef))
    assert [name for name, number in classes.items() if number > 1] == []


@every_source
def test_the_host_names_no_plugin(path: Path) -> None:
    """Code for one code host is in the plugin of that host, not in the core."""
    names = re.findall(r"custom_scm|scmhost_git|scmhost_forgejo", path.read_text(encoding="utf-8"))
    assert names == [] or path in NAMES_A_PLUGIN or not path.is_relative_to(HOST)


@pytest.mark.parametrize("path", [path for path in SOURCES if not path.is_relative_to(HOST)], ids=name_of)
def test_a_plugin_uses_the_sdk_alone(path: Path) -> None:
    """A first-party plugin uses nothing that a third party's plugin could not use."""
    imported = [node.module or "" for node in nodes(path) if isinstance(node, ast.ImportFrom) and node.level == 0]
    imported += [alias.name for node in nodes(path) if isinstance(node, ast.Import) for alias in node.names]
    assert [name for name in imported if name.startswith("scmhost") and not name.startswith("scmhost.sdk")] == []


@every_source
def test_no_group_is_repeated_possessively(path: Path) -> None:
    """Python before 3.11.5 matches possessive groups wrongly; possessive character classes are fine."""
    texts = [node.value for node in nodes(path) if isinstance(node, ast.Constant) and isinstance(node.value, str)]
    assert [text for text in texts if re.search(r"(?<![\\(])\)[?*+]\+", text)] == []


@every_source
def test_comments_are_few(path: Path) -> None:
    """A comment is a reason, and most lines need none."""
    lines = path.read_text(encoding="utf-8").splitlines()
    assert sum(line.lstrip().startswith("#") for line in lines) <= max(2, MOST_COMMENTS * len(lines))


@every_source
def test_source_speaks_of_the_product_alone(path: Path) -> None:
    """Neither a machine's folders nor an issue's number mean anything to its readers."""
    assert re.findall(r"/work/|\bissue #\d+", path.read_text(encoding="utf-8"), re.IGNORECASE) == []


@every_source
def test_nothing_is_left_open_in_the_source(path: Path) -> None:
    """Open ends belong to the issue tracker."""
    assert re.findall(r"\b(?:TODO|FIXME|XXX)\b", path.read_text(encoding="utf-8")) == []
