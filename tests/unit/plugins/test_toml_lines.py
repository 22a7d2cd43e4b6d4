"""Where keys stand in TOML."""

import tomllib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loading import case_id, load_cases
from scmhost.plugins.toml_lines import key_lines, line_of

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
    """Whatever values stand between, a key's line begins with that key."""
    text = "\n".join(f"{name} = {value}" for name, value in pairs)
    lines = key_lines(text)
    assert {path[0] for path in lines} == set(tomllib.loads(text))
    assert all(text.split("\n")[lines[(name,)] - 1].startswith(f"{name} = ") for name, _ in pairs)


def test_unwritten_key_has_the_line_of_its_table() -> None:
    """A key that is not there is looked for where it would be; without its table it is nowhere."""
    lines = key_lines("[a]\n[a.b]\n")
    assert (line_of(lines, ("a", "b", "missing")), line_of(lines, ("z",))) == (2, None)
