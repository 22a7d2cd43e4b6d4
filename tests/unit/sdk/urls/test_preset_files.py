"""The files of the known code hosts: their keys, their names, and the properties of their pages."""

import re
import time
import tomllib
from collections import Counter
from importlib import resources
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from scmhost.sdk import (
    Location,
    NoUrl,
    Preset,
    RefKind,
    UrlTemplates,
    check_web_url,
    kind_of,
    preset,
    preset_kinds,
    read_own_url,
    safe_link,
)
from scmhost.sdk.urls.presets import (
    CloneRule,
    Recognition,
    host_facts,
    host_of_shortcut,
    is_disguised,
    kinds_of,
    known_hosts,
    known_kind,
)
from scmhost.sdk.urls.templates import REF_TOKENS, Template
from strategies import hostile_text

FILES = resources.files("scmhost.sdk.urls").joinpath("hosts")
SHA = "0123456789abcdef0123456789abcdef01234567"
each_kind = pytest.mark.parametrize("kind", preset_kinds())


def fields_of(kind: str) -> dict[str, Any]:
    """Return the content of a preset's file."""
    return tomllib.loads(FILES.joinpath(f"{kind}.toml").read_text("utf-8"))


@each_kind
def test_a_file_has_known_keys_only(kind: str) -> None:
    """A misspelled key would be a rule that is never used."""
    fields = fields_of(kind)
    assert set(fields) <= set(Preset.model_fields) - {"kind"}
    assert set(fields.get("recognise", {})) <= set(Recognition.model_fields)
    assert all(set(rule) <= set(CloneRule.model_fields) for rule in fields.get("clone", ()))
    with pytest.raises(ValidationError):
        Preset.model_validate({"kind": kind, **fields, "colour": "red"})


@each_kind
def test_a_file_is_loaded_in_full(kind: str) -> None:
    """Every value of the file is in the preset, and the preset without pages has the same facts."""
    loaded, fields = preset(kind), fields_of(kind)
    assert (loaded.kind, loaded.name, loaded.confidence) == (kind, fields["name"], fields["confidence"])
    assert loaded.pages.model_dump(exclude_unset=True).keys() == fields["pages"].keys()
    facts = host_facts(kind)
    assert facts.model_dump() == loaded.model_dump(exclude={"pages"})


@each_kind
def test_a_kind_is_a_word(kind: str) -> None:
    """A kind is written in configurations."""
    assert re.fullmatch(r"[a-z][a-z0-9_]{1,40}", kind)


def test_kinds_and_names_are_distinct() -> None:
    """No two presets have the same displayed name."""
    names = Counter(host_facts(kind).name for kind in preset_kinds())
    assert [name for name, count in names.items() if count > 1] == []
    assert list(preset_kinds()) == sorted(set(preset_kinds()))


@pytest.mark.parametrize(
    "of", [known_hosts, lambda facts: facts.recognise.suffixes, lambda facts: facts.recognise.shortcuts]
)
def test_hosts_suffixes_and_shortcuts_belong_to_one_kind(of: Any) -> None:
    """A host that two presets name would be recognised by chance."""
    named = Counter(name for kind in preset_kinds() for name in of(host_facts(kind)))
    assert [name for name, count in named.items() if count > 1] == []
    assert named


@each_kind
def test_hosts_are_names_in_lower_case(kind: str) -> None:
    """Hosts are compared in lower case, without a port or a scheme."""
    facts = host_facts(kind)
    for host in known_hosts(facts):
        assert re.fullmatch(r"[a-z0-9-]+(?:\.[a-z0-9-]+)*", host)
        assert known_kind(host) == kind == kind_of(host)
    for suffix in facts.recognise.suffixes:
        assert re.fullmatch(r"[.-][a-z0-9.-]+", suffix)
        assert known_kind(f"team{suffix}") == kind
        assert known_kind(suffix) is None
    for url in (*facts.bases, *(base for base in facts.web_hosts.values())):
        assert check_web_url(url) == url


@each_kind
def test_shortcuts_need_a_host(kind: str) -> None:
    """A shortcut means the first known host."""
    facts = host_facts(kind)
    for name in facts.recognise.shortcuts:
        assert host_of_shortcut(name) == facts.recognise.hosts[0]
        assert name.isalpha()


@each_kind
def test_patterns_compile_and_do_not_match_everything(kind: str) -> None:
    """A pattern that matches any host would hide all other kinds."""
    facts = host_facts(kind)
    for pattern in (*facts.recognise.patterns, *facts.recognise.markers, *facts.recognise.clone_markers):
        assert not re.compile(pattern).search("x.example")
        assert not re.compile(pattern).search("/")


@each_kind
def test_doubts_are_about_pages_that_exist(kind: str) -> None:
    """A doubt lowers or raises the confidence in a page of the preset."""
    loaded = preset(kind)
    for page, confidence in loaded.doubts.items():
        assert getattr(loaded.pages, page)
        assert loaded.confidence_of(page) == confidence != loaded.confidence
    assert loaded.confidence_of("view") == loaded.doubts.get("view", loaded.confidence)


@each_kind
def test_clone_rules_have_a_path(kind: str) -> None:
    """The tokens of a rule's result are in the clone URL, or are the user in it."""
    for rule in host_facts(kind).clone:
        given_names = set(re.findall(r"\{(\w+)\}", rule.at)) | {"account"}
        assert set(re.findall(r"\{(\w+)\}", rule.web + rule.path)) <= given_names
        assert rule.path or {"repo", "repo_path"} & given_names


@each_kind
def test_rendered_formats_are_extensions_in_lower_case(kind: str) -> None:
    """An extension is compared in lower case and without its dot."""
    rendered = preset(kind).pages.rendered
    extensions = rendered.extensions if rendered else frozenset()
    assert all(re.fullmatch(r"[a-z0-9]+", extension) for extension in extensions)
    assert rendered is None or re.fullmatch(r"[a-z0-9_]+=\w+", rendered.query)


@pytest.mark.parametrize(
    ("host", "disguised"),
    [
        ("github.com.evil.example", True),
        ("gitlab.com.cdn", True),
        ("github.com", False),
        ("api.github.com", False),
        ("com.github", False),
        ("x", False),
        ("", False),
    ],
)
def test_a_known_name_in_front_is_a_disguise(host: str, disguised: bool) -> None:
    """A name that begins with a known host's whole name belongs to another party."""
    assert is_disguised(host) is disguised
    assert not disguised or kinds_of(host, "/team/app/-/blob/main/a.py") == ()


def test_cost_of_a_host_is_linear_in_its_labels() -> None:
    """A name of many labels costs in proportion to its length."""

    def cost(labels: int) -> float:
        host = "a." * labels
        times = []
        for _ in range(5):
            begin = time.process_time()
            kind_of(host)
            times.append(time.process_time() - begin)
        return min(times)

    kind_of("x")
    assert cost(16_000) <= 8 * cost(4_000) + 0.001


def test_an_unknown_host_may_be_of_several_kinds() -> None:
    """A path that only some hosts have comes before a guess from the name."""
    assert kinds_of("gitea.example", "/team/app/-/blob/main/a.py")[0] == "gitlab"
    assert kinds_of("gitea.example")[0] == "gitea"
    assert kinds_of("github.com", "/team/app/-/blob/main/a.py") == ("github",)
    assert kinds_of("git.example") == ()


REVERSIBLE = [
    kind
    for kind in preset_kinds()
    if {"path", "dir"} & Template.parse(preset(kind).pages.view_for("commit") or "{repo_url}/{path}").tokens
    and not {"blob", "file_rev"} & Template.parse(preset(kind).pages.view_for("commit") or "{repo_url}/{path}").tokens
]
segments = st.text("ab.-_~@:;,=& #?%é$!'()[]*|^\"<>{}`\\", min_size=1, max_size=6).filter(
    lambda name: name not in (".", "..")
)


@given(
    st.sampled_from(preset_kinds()),
    st.sampled_from(["branch", "tag", "commit"]),
    hostile_text,
    hostile_text,
    st.none() | st.integers(1, 10_000_000),
)
def test_hostile_values_stay_on_the_host(kind: str, ref_kind: RefKind, ref: str, path: str, line: int | None) -> None:
    """For each preset and any text, the URL of a page is a safe link of the repository's host, or there is none."""
    templates = UrlTemplates(pages=preset(kind).pages, repo_url="https://git.example/team/app")
    at = templates.at(ref or "main", ref_kind)
    url = at if isinstance(at, NoUrl) else at.url(path, line)
    assert isinstance(url, NoUrl) or safe_link(url, "https://git.example")
    for page in (templates.commit(ref), templates.compare(ref, path)):
        assert isinstance(page, NoUrl) or safe_link(page, "https://git.example")


@given(st.sampled_from(REVERSIBLE), st.lists(segments, min_size=1, max_size=4).map("/".join), st.integers(1, 10**7))
def test_each_preset_reads_its_own_pages(kind: str, path: str, line: int) -> None:
    """The page of a file at a commit gives the file and the commit again."""
    pages = preset(kind).pages
    repo_url = "/".join(["https://git.example", *["team"] * max(pages.least - 1, 1), "app"])
    templates = UrlTemplates(pages=pages, repo_url=repo_url)
    url = templates.view(Location(ref=SHA, ref_kind="commit", path=path, line=line))
    if isinstance(url, NoUrl):
        return
    found = read_own_url(url, pages, repo_url)
    tokens = Template.parse(pages.view_for("commit") or "").tokens
    assert any(candidate.path == path for candidate in found)
    if tokens & REF_TOKENS:
        assert any((candidate.path, candidate.ref) == (path, SHA) for candidate in found)
