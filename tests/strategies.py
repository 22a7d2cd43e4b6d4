"""Strategies for property tests: values that a hostile sender may put into a field."""

import re

from hypothesis import strategies as st

from loading import load_cases
from scmhost.mapping import Rule

SEGMENTS = ("src", "srca", "app", "App", "a b", "lib", "..", ".", "é", "x.py")

any_text = st.text(max_size=40)
hostile_text = st.one_of(
    any_text,
    st.text(alphabet="./\\%2eE@:#?&[]{} \t\r\nax\x00", max_size=30),
    st.sampled_from(["..", "../..", "/etc/passwd", "//evil.example/x", "javascript:alert(1)", "a/../../b", "%2e%2e/x"]),
    st.sampled_from(["a\u202egnp.exe", "\u2066x\u2069", "a\u200bb", "..%2f..", "%252e%252e/x", "a#b?c%d/é f"]),
)
separators = st.sampled_from(["/", "\\"])


@st.composite
def stack_paths(draw: st.DrawFn) -> str:
    """Paths of a few different segments, so that roots often match."""
    segments = draw(st.lists(st.sampled_from(SEGMENTS), max_size=5))
    start = draw(st.sampled_from(["", "/", "C:\\", "./", "app:///"]))
    return start + draw(separators).join(segments)


@st.composite
def stack_roots(draw: st.DrawFn) -> str:
    """Prefixes of such paths, some cut inside of a segment, some with wildcards."""
    root = draw(stack_paths())
    for segment in draw(st.sets(st.sampled_from(SEGMENTS), max_size=2)):
        root = root.replace(segment, draw(st.sampled_from(["*", segment[:1] + "*", "*" + segment[-1:]])))
    return root + draw(st.sampled_from(["", "/", "\\", "*"]))


@st.composite
def rule_lists(draw: st.DrawFn) -> list[Rule]:
    """Rules of a project, with different ids."""
    parts = st.tuples(stack_roots(), st.sampled_from(["", "/", "repo", "repo/", "a/../b"]), st.booleans())
    return [
        Rule(number, stack_root, source_root, generated)
        for number, (stack_root, source_root, generated) in enumerate(draw(st.lists(parts, max_size=8)))
    ]


def pasted_lines() -> st.SearchStrategy[str]:
    """Any text, lines of the traces of the cases, and their words in any order."""
    texts = [case["text"] for case in load_cases("frames")]
    words = st.sampled_from(sorted({word for text in texts for word in re.split(r"(\s+)", text)}))
    return st.one_of(
        st.text(max_size=60),
        st.sampled_from(sorted({line for text in texts for line in text.split("\n")})),
        st.lists(words, max_size=12).map("".join),
    )


def pasted_texts() -> st.SearchStrategy[str]:
    """Several such lines."""
    return st.lists(pasted_lines(), max_size=8).map("\n".join)
