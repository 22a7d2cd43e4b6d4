"""The rules of layout and style that no linter checks, read off the source."""

import ast
import re
from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

ROOT = Path(__file__).parents[1]
HOST = ROOT / "core" / "scmhost"
PLUGINS = sorted((ROOT / "plugins").glob("*/src"))
LONGEST_MODULE = 400
LONGEST_FUNCTION = 45
# The greatest share of a module's lines that may be comments.
MOST_COMMENTS = 0.10
# Where foreign code runs: in the host, and in the conformance suite, which works without one. Background loops, and
# the jobs of one, must not end when one round raises.
ISOLATION = HOST / "plugins" / "isolation"
GUARDS = {
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
MOST_MODULES = 412
# The modules of a package that may use SQLAlchemy, and those that may use FastAPI and Starlette.
SQL_DOORS = ("tables.py", "queries.py", "_queries.py")
HTTP_DOORS = ("routes.py", "schemas.py", "access.py", "http.py")
HTTP_MODULES = {
    HOST / "api_application.py",
    HOST / "application.py",
    HOST / "local_api.py",
    HOST / "app.py",
    # "scmhost serve" starts the server.
    HOST / "cli" / "serve.py",
    # Its protocol, and middleware.
    HOST / "infra" / "connections.py",
    HOST / "infra" / "public_address.py",
}

# The demo shows the first-party plugin at work; nothing else of the host names one.
NAMES_A_PLUGIN = {HOST / "cli" / "demo.py"}


@dataclass(frozen=True)
class Source:
    """A module, read and parsed once for all tests."""

    path: Path

    @property
    def name(self) -> str:
        return str(self.path.relative_to(ROOT))

    @property
    def in_host(self) -> bool:
        return self.path.is_relative_to(HOST)

    @cached_property
    def text(self) -> str:
        return self.path.read_text(encoding="utf-8")

    @cached_property
    def nodes(self) -> list[ast.AST]:
        return list(ast.walk(ast.parse(self.text)))

    @cached_property
    def imported_modules(self) -> set[str]:
        """The names of all modules that are imported by an absolute import."""
        names = {node.module or "" for node in self.nodes if isinstance(node, ast.ImportFrom) and node.level == 0}
        return names | {alias.name for node in self.nodes if isinstance(node, ast.Import) for alias in node.names}

    @property
    def imported_packages(self) -> set[str]:
        return {name.partition(".")[0] for name in self.imported_modules}


SOURCES = [Source(path) for folder in (HOST, *PLUGINS) for path in sorted(folder.rglob("*.py"))]


def matches(pattern: str, flags: re.RegexFlag = re.NOFLAG) -> dict[str, list[str]]:
    """Return what a pattern finds, by module."""
    expression = re.compile(pattern, flags)
    return {source.name: found for source in SOURCES if (found := expression.findall(source.text))}


def length(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Return the lines of a function without its docstring and its signature."""
    body = function.body[1:] if ast.get_docstring(function) else function.body
    return (body[-1].end_lineno or 0) - body[0].lineno + 1 if body else 0


def test_modules_stay_short() -> None:
    """Modules have at most the length of the budget."""
    lengths = {source.name: len(source.text.splitlines()) for source in SOURCES}
    assert {name: lines for name, lines in lengths.items() if lines > LONGEST_MODULE} == {}


def test_functions_stay_short() -> None:
    """Functions have at most the length of the budget."""
    lengths = {
        f"{source.name}:{node.name}": length(node)
        for source in SOURCES
        for node in source.nodes
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }
    assert {name: lines for name, lines in lengths.items() if lines > LONGEST_FUNCTION} == {}


def test_only_the_guard_catches_everything() -> None:
    """Only the listed modules catch ``Exception``, because it hides faults elsewhere."""
    broad = {
        source.path
        for source in SOURCES
        for node in source.nodes
        if isinstance(node, ast.ExceptHandler)
        and (node.type is None or ast.unparse(node.type) in ("Exception", "BaseException"))
    }
    assert broad - GUARDS == set()


def test_sql_is_in_tables_and_queries() -> None:
    """SQL is only in ``queries.py`` of its subject, or in ``infra/db``."""
    uses_sql = [
        source.path
        for source in SOURCES
        if not source.imported_packages.isdisjoint({"sqlalchemy", "alembic", "psycopg"})
    ]
    assert [
        path
        for path in uses_sql
        if not path.name.endswith(SQL_DOORS) and not path.is_relative_to(HOST / "infra" / "db")
    ] == []


def test_http_is_in_routes_and_schemas() -> None:
    """Use cases do not depend on HTTP, so commands and embedders can call them."""
    uses_http = [
        source.path
        for source in SOURCES
        if not source.imported_packages.isdisjoint({"fastapi", "starlette", "uvicorn"})
    ]
    pages = HOST / "web"
    others = [path for path in uses_http if path not in HTTP_MODULES and not path.is_relative_to(pages)]
    assert [path for path in others if not path.name.endswith(HTTP_DOORS)] == []


def test_the_host_has_few_modules() -> None:
    """A new subject is a room; a new detail belongs into a module that exists."""
    assert len([source for source in SOURCES if source.in_host]) <= MOST_MODULES


def test_class_names_are_distinct() -> None:
    """A search for a class name has one answer."""
    classes = Counter(node.name for source in SOURCES for node in source.nodes if isinstance(node, ast.ClassDef))
    assert [name for name, number in classes.items() if number > 1] == []


def test_the_host_names_no_plugin() -> None:
    """Code for one code host is in the plugin of that host, not in the core."""
    named = matches(r"custom_scm|scmhost_git|scmhost_forgejo")
    assert [s.name for s in SOURCES if s.in_host and s.name in named and s.path not in NAMES_A_PLUGIN] == []


def test_a_plugin_uses_the_sdk_alone() -> None:
    """A first-party plugin uses nothing that a third party's plugin could not use."""
    assert {
        source.name: names
        for source in SOURCES
        if not source.in_host
        and (names := {name for name in source.imported_modules if re.match(r"scmhost(?!\.sdk\b)", name)})
    } == {}


def test_no_group_is_repeated_possessively() -> None:
    """Python before 3.11.5 matches possessive groups wrongly; possessive character classes are fine."""
    texts = [
        node.value
        for source in SOURCES
        for node in source.nodes
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    ]
    assert [text for text in texts if re.search(r"(?<![\\(])\)[?*+]\+", text)] == []


def test_comments_are_few() -> None:
    """A comment is a reason, and most lines need none."""
    for source in SOURCES:
        lines = source.text.splitlines()
        comments = sum(line.lstrip().startswith("#") for line in lines)
        assert comments <= max(2, MOST_COMMENTS * len(lines)), source.name


def test_source_speaks_of_the_product_alone() -> None:
    """Neither a machine's folders nor an issue's number mean anything to its readers."""
    assert matches(r"/work/|\bissue #\d+", re.IGNORECASE) == {}


def test_nothing_is_left_open_in_the_source() -> None:
    """Open ends belong to the issue tracker."""
    assert matches(r"\b(?:TODO|FIXME|XXX)\b") == {}
