"""The lines of keys in TOML."""

import tomllib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loading import case_id, load_cases
from scmhost.plugins.config.files import key_lines
from scmhost.plugins.config.schema import Source

names = st.from_regex(r"[a-z][a-z0-9_-]{0,8}", fullmatch=True)
values = st.sampled_from(["1", '"#"', "[\n1,\n]", '"""\n[x]\n"""', "{ y = 1 }", "true # why"])


@pytest.mark.parametrize("ending", ["\n", "\r\n"])
@pytest.mark.parametrize("case", load_cases("toml_lines"), ids=case_id)
def test_line_of_each_key(case: dict[str, Any], ending: str) -> None:
    """Each key has the line on which it is written, however it is quoted, dotted or nested."""
    found = {".".join(path): line for path, line in key_lines(ending.join(case["text"])).items()}
    assert {key: found.get(key) for key in case["lines"]} == case["lines"]


@given(st.lists(st.tuples(names, values), unique_by=lambda pair: pair[0]))
def test_every_key_is_found_on_its_line(pairs: list[tuple[str, str]]) -> None:
    """The line of a key begins with that key, with any values before it."""
    text = "\n".join(f"{name} = {value}" for name, value in pairs)
    lines = key_lines(text)
    assert {path[0] for path in lines} == set(tomllib.loads(text))
    assert all(text.split("\n")[lines[(name,)] - 1].startswith(f"{name} = ") for name, _ in pairs)


def test_unwritten_key_has_the_line_of_its_table() -> None:
    """A missing key has the line of its table; without a table it has none."""
    source = Source(lines=key_lines("[a]\n[a.b]\n"))
    assert (source.line("a", "b", "missing"), source.line("z")) == (2, None)


@pytest.mark.parametrize(
    "lines",
    [
        ["a = [", *(f'  "x{number}", # "]' for number in range(4_000)), "]"],
        ['a = """', *("x" for _ in range(4_000)), '"""'],
        [f"a{number} = {number}" for number in range(4_000)],
        [f"[a.b{number}]" for number in range(4_000)],
    ],
    ids=["array", "text", "keys", "tables"],
)
def test_work_grows_with_the_text_alone(lines: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Each character is parsed once, however many lines a value has."""
    parsed: list[int] = []
    original = tomllib.loads

    def loads(text: str) -> dict[str, Any]:
        parsed.append(len(text))
        return original(text)

    monkeypatch.setattr(tomllib, "loads", loads)
    text = "\n".join(lines)
    key_lines(text)
    assert sum(parsed) <= len(text)


@pytest.mark.parametrize("quotes", ['"' * 3, "'" * 3])
@pytest.mark.parametrize("inner", ["]", "#", "[x]", "''", '""', "a = 1", "{"])
def test_brackets_in_strings_are_ignored(quotes: str, inner: str) -> None:
    """Brackets and signs in a multi-line string are neither tables nor comments."""
    lines = key_lines(f"a = {quotes}\n{inner} \n{quotes}\nb = 1\n")
    assert lines == {("a",): 1, ("b",): 4}
