"""Whole CODEOWNERS files: owners, lines, sections and problems."""

import pytest

from scmhost.owners import CodeOwners, OwnersDialect, OwnersNotSupported, OwnersSection, dialect_of
from scmhost.owners.gitea import ExpressionSet, split_words
from scmhost.owners.github import MAX_BYTES
from scmhost.owners.gitlab import owner_references

GITHUB, GITLAB, BITBUCKET = OwnersDialect.GITHUB, OwnersDialect.GITLAB, OwnersDialect.BITBUCKET
GITEA, FORGEJO = OwnersDialect.GITEA, OwnersDialect.FORGEJO

# A path's owners, line and section; a list for the sections of GitLab.
Expected = tuple[str, int | None] | list[tuple[str, int, str | None]]

OF_GITHUB = """\
# Owners of everything else
*       @first @org/second

*.js    @scripts #an inline comment
*.go docs@example.com\t@gophers
/build/logs/ @logs
docs/*  @writers
apps/ @apps
/apps/free
/apps/free/paid @paid
  /trim\\ me  @spaces  \n\
"""

OF_GITLAB = """\
# app/ @commented

* @default
*.rb @ruby
\\#pound.rb @pound
CODEOWNERS @one @two\t@three
LICENSE @legal this does not match jane@example.com
/docs/ @all-docs
/docs/* @root-docs
lib/ @lib # @also
/config/ @config
path\\ with\\ spaces/ @space

[Documentation]
ee/docs @gl-docs
docs @gl-docs

[Database] @dba @@maintainers
README.md
model/db @db

[documentation]
README.md @gl-docs
"""


@pytest.mark.parametrize(
    ("path", "owners", "line"),
    [
        ("README", "@first @org/second", 2),
        ("src/a.js", "@scripts", 4),
        ("a.go", "docs@example.com @gophers", 5),
        ("build/logs/a.go", "@logs", 6),
        ("x/build/logs/a.go", "docs@example.com @gophers", 5),
        ("docs/a.md", "@writers", 7),
        ("docs/a/b.md", "@first @org/second", 2),
        ("x/apps/a/b.js", "@apps", 8),
        ("apps/free/a", "", 9),
        ("apps/free/paid", "@paid", 10),
        ("trim me/a", "@spaces", 11),
    ],
)
def test_last_matching_rule_of_github_decides(path: str, owners: str, line: int) -> None:
    """Order counts, not precision; a rule without owners takes them away."""
    ((found, found_line, section),) = CodeOwners(GITHUB, OF_GITHUB).owners_of(path)
    assert (" ".join(found), found_line, section) == (owners, line, None)


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("app/a.vue", [("@default", 3, None)]),
        ("hello.rb", [("@ruby", 4, None)]),
        ("x/#pound.rb", [("@pound", 5, None)]),
        ("CODEOWNERS", [("@one @two @three", 6, None)]),
        ("LICENSE", [("@legal jane@example.com", 7, None)]),
        ("docs/a/b.md", [("@all-docs", 8, None)]),
        ("docs/b.md", [("@root-docs", 9, None)]),
        ("ee/lib/a.rb", [("@lib @also", 10, None)]),
        ("other/config/a.yml", [("@default", 3, None)]),
        ("path with spaces/a", [("@space", 12, None)]),
        ("x/docs", [("@default", 3, None), ("@gl-docs", 16, "Documentation")]),
        ("model/db", [("@default", 3, None), ("@db", 20, "Database")]),
        (
            "README.md",
            [("@default", 3, None), ("@gl-docs", 23, "Documentation"), ("@dba @@maintainers", 19, "Database")],
        ),
    ],
)
def test_each_section_of_gitlab_has_owners(path: str, expected: list[tuple[str, int, str | None]]) -> None:
    """Sections with one name are one, in any case of letters; a rule without owners has its section's."""
    found = CodeOwners(GITLAB, OF_GITLAB).owners_of(path)
    assert [(" ".join(names), line, section) for names, line, section in found] == expected


EXCLUSIONS = "* @x\n!*.rb\n[Ruby]\n*.rb @ruby\n!/config/*\n[Late]\n!/a\n/a @late\n"


@pytest.mark.parametrize(
    ("path", "owners"),
    [
        ("file.txt", ["@x"]),
        ("app/a.rb", ["@ruby"]),
        ("config/a.rb", []),
        ("a", ["@x", "@late"]),
        ("config/x/a.rb", ["@ruby"]),
    ],
)
def test_exclusion_removes_owners_of_its_section(path: str, owners: list[str]) -> None:
    """An exclusion counts before and after other rules, but one with the same pattern is replaced by a later rule."""
    found = CodeOwners(GITLAB, EXCLUSIONS).owners_of(path)
    assert [name for ownership in found for name in ownership.owners] == owners


def test_sections_keep_what_their_headings_say() -> None:
    """Number of approvals, option and default owners belong to the rules below a heading."""
    text = "[A][2] @a @b.c\nx\n^[B]\nx @x\n[ Some | Thing & More ]\nx @y\n[c][q]\nx @z\n"
    sections = [rule.section for rule in CodeOwners(GITLAB, text).rules]
    assert sections == [
        OwnersSection("A", approvals=2, default_owners=("@a", "@b.c")),
        OwnersSection("B", optional=True),
        OwnersSection(" Some | Thing & More "),
        OwnersSection("c"),
    ]


def test_rule_that_is_written_again_keeps_its_first_place() -> None:
    """GitLab replaces the owners, so that rules between the two still decide."""
    found = CodeOwners(GITLAB, "*.rb @a\n* @b\n*.rb @c\n").owners_of("x.rb")
    assert [ownership.owners for ownership in found] == [("@b",)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "@user-1, @user-2 and me@example.com who is an @@owner ,",
            ["@user-1", "@user-2", "me@example.com", "@@owner"],
        ),
        ("@group @group/nested-on/other. @group", ["@group", "@group/nested-on/other"]),
        ("a@@owner @@@maintainer @@reporter @@developersy @@owner.", []),
        ("@@Developers @@mAintainer", ["@@Developers", "@@mAintainer"]),
        ("nobody # here", []),
    ],
)
def test_words_that_are_no_owners_of_gitlab_are_ignored(text: str, expected: list[str]) -> None:
    """Users, groups, three roles also in the plural, and e-mail addresses; all other words are ignored."""
    assert list(owner_references(text)) == expected


OF_GITEA = """\
.*\\\\.go @go # all
!src/.* @outside
src/.* @inside @go
src/(a|b)/[^/]* @org/team
nobody
"""


@pytest.mark.parametrize("dialect", [GITEA, FORGEJO])
@pytest.mark.parametrize(
    ("path", "owners", "line"),
    [
        ("main.go", "@go @outside", 2),
        ("src/x.go", "@go @inside", 3),
        ("src/a/x", "@inside @go @org/team", 4),
        ("README", "@outside", 2),
    ],
)
def test_all_matching_rules_of_gitea_add_owners(dialect: OwnersDialect, path: str, owners: str, line: int) -> None:
    """Each owner is named once, in the order of rules; the line is that of the last rule."""
    pytest.importorskip("re2")
    ((found, found_line, _),) = CodeOwners(dialect, OF_GITEA).owners_of(path)
    assert (" ".join(found), found_line) == (owners, line)


def test_rules_of_gitea_that_are_no_globs_and_those_that_are_count_together() -> None:
    """An expression with a repeated group is matched by RE2 itself."""
    pytest.importorskip("re2")
    owners = CodeOwners(GITEA, "(ab)+/x @repeat\nab.* @glob\n![xyz]+ @not\n")
    found = owners.owners_of_all(["abab/x", "ab", "zzz"])
    assert [answer[0].owners for answer in found] == [("@repeat", "@glob", "@not"), ("@glob", "@not"), ()]


def test_gitea_without_its_package_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """The other dialects need no package."""
    monkeypatch.setitem(__import__("sys").modules, "re2", None)
    with pytest.raises(OwnersNotSupported, match=r'pip install "scmhost\[owners\]"'):
        CodeOwners(GITEA, "a @b")
    assert CodeOwners(GITHUB, "a @b").owners_of("a")[0].owners == ("@b",)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("", []),
        ("# comment", []),
        ("!.* @user1 @org1/team1", ["!.*", "@user1", "@org1/team1"]),
        (r".*\\.js @user2 #comment", [r".*\.js", "@user2"]),
        (r"\#path @org3", ["#path", "@org3"]),
        (r"path\ with\ spaces/\t@org3".replace(r"\t", "\t"), ["path with spaces/", "@org3"]),
        ("a@b#c", ["a@b"]),
        ("end\\", ["end"]),
        (r"a\\\ b\#@c", [r"a\ b#@c"]),
    ],
)
def test_backslash_keeps_the_next_character_in_gitea(line: str, words: list[str]) -> None:
    """A backslash keeps the next character, so that one of an expression is written twice."""
    assert split_words(line) == words


def test_bitbucket_has_groups_and_lines_that_are_no_rules() -> None:
    """Definitions of groups, settings and merge checks are no patterns."""
    text = (
        "CODEOWNERS.toplevel.assignment_routing random 2\n@@@Devs @a @b\nCheck(@@Devs >= 2)\n* one@example.com\n"
        "*.scala @space/team:random(2) @@Devs\n/free\n!x @y\n"
    )
    owners = CodeOwners(BITBUCKET, text)
    found = [answer[0] for answer in owners.owners_of_all(["a", "a.scala", "free"])]
    assert [(item.owners, item.line) for item in found] == [
        (("one@example.com",), 4),
        (("@space/team:random(2)", "@@Devs"), 5),
        ((), 6),
    ]
    assert [problem.line for problem in owners.problems] == [7]


@pytest.mark.parametrize(
    ("dialect", "text", "expected"),
    [
        (GITHUB, "!x @a\n* bad @a\n*.js @a/b/c\n", [(1, "cannot be negated"), (2, "owner bad"), (3, "owner @a/b/c")]),
        (
            GITHUB,
            "\\#x @a\na*** @b\n/ @a\nx\\",
            [(1, "backslash"), (2, "three stars"), (3, "no file"), (4, "backslash")],
        ),
        (GITHUB, f"{'a/' * 300} @a", [(1, "more than 256 folders")]),
        (GITHUB, "x" * (MAX_BYTES + 1), [(1, "more than 3 MB")]),
        (GITHUB, "\0*\0 \0@\0a\0", [(1, "binary file")]),
        (BITBUCKET, "*.js me\n", [(1, "owner me")]),
        (
            GITLAB,
            "*.rb\n\n[]\n*_spec.rb @gl\n\n^[Optional][5]\n*.txt @user\n\n[Invalid section\n\n[OK]\n",
            [(1, "no owner"), (3, "no name"), (6, "requires no approvals"), (9, "not closed")],
        ),
        (GITLAB, "*.js bad @a worse\n[D] malformed\n/x[a @b", [(1, "bad worse"), (2, "malformed"), (3, "not closed")]),
        (GITLAB, f"/{'a/' * 300} @a", [(1, "more than 256 folders")]),
    ],
)
def test_problems_have_lines(dialect: OwnersDialect, text: str, expected: list[tuple[int, str]]) -> None:
    """Each line that the host skips or misreads is reported once."""
    found = CodeOwners(dialect, text).problems
    assert [problem.line for problem in found] == [line for line, _ in expected]
    assert all(words in problem.message for problem, (_, words) in zip(found, expected, strict=True))


def test_problems_of_gitea_have_lines() -> None:
    """Expressions that do not compile are skipped, and owners that cannot exist are ignored."""
    pytest.importorskip("re2")
    owners = CodeOwners(GITEA, "alone\nbad( @a\n(?!x)y @a\nx @a/b/c @d\nz me@example.com\n")
    assert [problem.line for problem in owners.problems] == [1, 2, 3, 4, 5, 5]
    assert [rule.owners for rule in owners.rules] == [("@d",)]


@pytest.mark.parametrize("dialect", [GITHUB, GITLAB, BITBUCKET])
def test_mark_and_line_ends_of_windows_are_no_part_of_rules(dialect: OwnersDialect) -> None:
    """A byte-order mark, carriage returns and a missing line end change nothing."""
    owners = CodeOwners(dialect, "\ufeff*.js @a\r\n\r\n*.ts @b @c")
    found = owners.owners_of_all(["x.js", "x.ts"])
    assert [answer[0] for answer in found] == [(("@a",), 1, None), (("@b", "@c"), 3, None)]
    assert owners.problems == []


@pytest.mark.parametrize("dialect", [GITHUB, GITLAB, BITBUCKET])
@pytest.mark.parametrize("path", ["", "/", "a//b", "\0", "a\nb", "\ud800", "é/ü", "x" * 5000, "a/" * 3000])
def test_odd_paths_have_an_answer(dialect: OwnersDialect, path: str) -> None:
    """No path raises, and one without a rule has no owner and no line."""
    owners = CodeOwners(dialect, "*.js @a\n/a*b/ @b\nx?y @c\n")
    assert owners.owners_of(path) == (((), None, None),)


def test_each_kind_of_host_has_its_dialect() -> None:
    """Only five kinds of hosts read CODEOWNERS; self-hosted ones follow the same rules."""
    kinds = ["github", "github_enterprise", "gitlab", "bitbucket_cloud", "gitea", "forgejo", "gerrit", None]
    assert [dialect_of(kind) for kind in kinds] == [GITHUB, GITHUB, GITLAB, BITBUCKET, GITEA, FORGEJO, None, None]


def test_expressions_without_a_common_automaton_are_tried_one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """A set whose automaton needs too much memory finds nothing, not even what always matches."""
    re2 = pytest.importorskip("re2")
    made: list[str] = []

    class SetWithoutMemory:
        """A set that matches nothing."""

        @staticmethod
        def SearchSet(_options: object) -> "SetWithoutMemory":  # noqa: N802 - the name of google-re2
            return SetWithoutMemory()

        def Add(self, expression: str) -> None:  # noqa: N802
            made.append(expression)

        def Compile(self) -> None:  # noqa: N802
            pass

        def Match(self, _path: str) -> None:  # noqa: N802
            return None

    monkeypatch.setattr(re2, "Set", SetWithoutMemory)
    matching = ExpressionSet({3: "^(ab)+$", 5: "^a.*$"}).matcher_of([3, 5])
    assert [matching(path) for path in ("abab", "ax", "b")] == [(3, 5), (5,), ()]
    assert made == ["^(ab)+$", "^a.*$", ""]
