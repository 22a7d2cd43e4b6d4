"""Which files of a repository stack frames of running programs are of."""

import re
from typing import Final

from .frame_path import ending_of

_ENDINGS: Final = """
    asm astro bas c c++ cbl cc cfc cfm cjs clj cljc cljs cls cob coffee cpp cr cs cshtml cts cu cxx d dart erl ex exs
    f f90 for fs fsx gleam go gradle groovy h haml hh hpp hrl hs hx hxx inc ino java jl js jsp jsx jte kt kts lhs lua
    m mjs ml mli mm mts nim pas php phtml pl pm ps1 psm1 py pyi pyw pyx r rake razor rb rbi rego rs ru s scala sc sol
    sql svelte swift tcl ts tsx twig v vala vb vbhtml vue wat zig
"""
SOURCE_ENDINGS: Final = frozenset(_ENDINGS.split())

_TEST_FOLDERS: Final = re.compile(r"(?:^|/)(?:tests?|specs?|__tests__|__specs__|__mocks__)/", re.IGNORECASE)
# test_cart.py, cart_test.go, cart_spec.rb, cart.test.ts, cart.spec.jsx.
_TEST_NAMES: Final = re.compile(
    r"(?:^|/)(?:test_[^/]+|[^/]+(?:_test|_spec|[.-]test|[.-]spec)\.[^/.]+)$",
    re.IGNORECASE,
)
# CartTest.java, CartTests.cs, CartSpec.groovy; a class that is called Test alone is none.
_TEST_CLASSES: Final = re.compile(
    r"[a-z0-9](?:Tests?|TestCase|Spec)\.(?:java|kts?|groovy|scala|cs|vb|swift|php|mm?)$",
)
_TESTS: Final = (_TEST_FOLDERS, _TEST_NAMES, _TEST_CLASSES)


def is_source_file(path: str) -> bool:
    """Whether a file is source of a known language, and neither a test nor a specification."""
    return ending_of(path) in SOURCE_ENDINGS and not any(pattern.search(path) for pattern in _TESTS)
