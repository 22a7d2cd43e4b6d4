"""Resolving frames to files of a checkout and to their pages."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from command import GitRepository
from scmhost.checkout.links import CheckoutLinker, CheckoutLinks, LinkerInputs, LinkOverrides
from scmhost.checkout.summary import LinkCounts
from scmhost.checkout.targets import CheckoutLink
from scmhost.frames import FrameMatch
from scmhost.frames.frame import Frame
from scmhost.mapping import MappingIndex, Rule
from scmhost.mapping.file_tree import FileTree
from scmhost.sdk.reasons import Reason

FILES = ("main.py", "shop/cart.py", "shop/util.py", "lib/util.py", "src/com/acme/Cart.java", "one/deep/name.py")


class Targets:
    """Pages whose URL is the path and the line; one file has none. ``only_on_disk`` are files without a commit."""

    def __init__(self, only_on_disk: Sequence[str] = ()) -> None:
        self._only_on_disk = only_on_disk

    def link(self, found: CheckoutLink, path: str, line: int | None) -> CheckoutLink:
        if path == "lib/util.py":
            return found.refused(Reason.UNSAFE_URL, "no")
        return found._replace(url=f"https://x/{path}#{line or None}", line=line or None)

    def on_disk(self, path: str) -> CheckoutLink | None:
        if path not in self._only_on_disk:
            return None
        return CheckoutLink(reason=Reason.NOT_COMMITTED, message=f"{path} is not committed")


def linker(
    prefix: str = "",
    mappings: Sequence[tuple[str, str]] = (),
    files: Sequence[str] = FILES,
    only_on_disk: Sequence[str] = (),
) -> CheckoutLinker:
    rules = [Rule(number, *roots) for number, roots in enumerate(mappings)]
    index = MappingIndex(rules) if rules else None
    return CheckoutLinker(LinkerInputs(["srv/app/"], prefix, FileTree(files, prefix), Targets(only_on_disk), index))


def link(path: str, line: int | None = 3, prefix: str = "", mappings: Sequence[tuple[str, str]] = ()) -> CheckoutLink:
    return linker(prefix, mappings).link(Frame(path, line))


@pytest.mark.parametrize(
    ("printed", "prefix", "path", "confidence"),
    [
        ("/srv/app/main.py", "", "main.py", "high"),
        ("main.py", "", "main.py", "high"),
        ("./main.py", "", "main.py", "high"),
        ("cart.py", "shop/", "shop/cart.py", "high"),
        ("../main.py", "shop/", "main.py", "high"),
        ("../../main.py", "shop/", "main.py", "high"),
        ("/elsewhere/shop/cart.py", "", "shop/cart.py", "medium"),
        ("cart.py", "", "shop/cart.py", "low"),
        ("/other/deep/name.py", "", "one/deep/name.py", "low"),
    ],
)
def test_path_is_resolved_to_a_file(printed: str, prefix: str, path: str, confidence: str) -> None:
    """A path below the checkout or relative to the working directory is certain; any other is compared by its end."""
    found = link(printed, prefix=prefix)
    assert (found.path, found.confidence, found.url) == (path, confidence, f"https://x/{path}#3")


@pytest.mark.parametrize(
    ("printed", "path"),
    [
        ("lib/a.c", "my lib/a.c"),
        ("b.py", "my lib/a b.py"),
        ("lib/a b.py", "my lib/a b.py"),
        ("three.js", None),
        ("/lib/a.c", None),
        ("ib/a.c", None),
    ],
)
def test_path_may_begin_before_a_blank(printed: str, path: str | None) -> None:
    """A relative path that no file has is the end of the only file that has it behind a blank; this is a guess."""
    files = ["my lib/a.c", "my lib/a b.py", "x/or three.js", "x/and three.js"]
    found = linker(files=files).link(Frame(printed, 3))
    assert (found.path, found.confidence) == (path, "low" if path else None)


@pytest.mark.parametrize(
    ("printed", "reason", "message"),
    [
        ("/srv/app/gone.py", Reason.FILE_NOT_FOUND, "gone.py is not in the commit"),
        ("/usr/lib/python3/json/decoder.py", Reason.NOT_IN_REPOSITORY, ""),
        ("util.py", Reason.SEVERAL_FILES, "lib/util.py, shop/util.py end alike"),
        ("<stdin>", Reason.NOT_A_FILE, ""),
    ],
)
def test_missing_link_has_a_reason_and_a_next_step(printed: str, reason: Reason, message: str) -> None:
    """Each frame without a link has a reason, a message and a next step."""
    found = link(printed)
    assert (found.url, found.reason, found.message) == (None, reason, message)
    assert found.next_step


def test_link_needs_no_next_step() -> None:
    """Only missing links have one."""
    assert link("main.py").next_step == ""


def test_file_without_page_keeps_its_path() -> None:
    """The reason is the one of the page."""
    found = link("lib/util.py")
    assert (found.path, found.url, found.reason, found.message) == ("lib/util.py", None, Reason.UNSAFE_URL, "no")


@pytest.mark.parametrize("line", [None, 0])
def test_frame_without_line_links_to_the_file(line: int | None) -> None:
    """Runtimes print 0 for an unknown line."""
    found = link("main.py", line)
    assert (found.url, found.line) == ("https://x/main.py#None", None)


def test_class_name_gives_the_folders() -> None:
    """JVM frames print only a file name."""
    frame = Frame("Cart.java", 12, module="com.acme.Cart$Item", language="java")
    assert linker().link(frame).path == "src/com/acme/Cart.java"


def test_mapping_replaces_the_start_of_a_path() -> None:
    """A mapping of the command line is stronger than every other way."""
    assert link("/app/cart.py", mappings=[("/app", "shop")]).path == "shop/cart.py"
    assert link("/app/cart.py", mappings=[("/app", "lib"), ("/app", "shop")]).path == "shop/cart.py"


def test_mapped_path_is_not_resolved_in_another_way() -> None:
    """A mapped file that does not exist is reported, even if another file has the same end."""
    found = link("/app/cart.py", mappings=[("/app", "lib")])
    assert (found.path, found.message) == (None, "lib/cart.py is not in the commit")


def test_later_frames_use_what_earlier_ones_have_shown() -> None:
    """A match of several segments shows where paths begin, which also resolves a path that failed before."""
    links = linker(files=("web/shop/cart.py", "web/util.py", "lib/util.py"))
    assert links.link(Frame("/build/util.py", 1)).reason is Reason.NOT_IN_REPOSITORY
    links.link(Frame("/build/shop/cart.py", 1))
    assert links.link(Frame("/build/util.py", 1)).path == "web/util.py"


def test_frames_of_a_trace_decide_together_where_equal_names_lie() -> None:
    """Each name exists in both services, and only one of them has all files; alone, two of three are ambiguous."""
    files = [f"{service}/app/{name}.py" for service in ("pay", "shop") for name in ("models", "utils")]
    trace = [Frame(f"/code/app/{name}.py", 1) for name in ("models", "utils", "cart")]
    links = linker(files=[*files, "shop/app/cart.py"])
    assert [found.path for found in links.link_all(trace)] == [
        "shop/app/models.py",
        "shop/app/utils.py",
        "shop/app/cart.py",
    ]
    assert links.link(trace[0]).path == "shop/app/models.py"
    # A compiler runs in many folders, so that its lines are no trace.
    tools = linker(files=[*files, "shop/app/cart.py"])
    diagnostics = [frame._replace(kind="diagnostic") for frame in trace[:2]]
    assert [found.path for found in tools.link_all([*diagnostics, trace[2]])] == [None, None, "shop/app/cart.py"]


@pytest.mark.parametrize(
    ("printed", "prefix", "message"),
    [
        ("/srv/app/shop/fresh.py", "", "shop/fresh.py is not committed"),
        ("shop/fresh.py", "", "shop/fresh.py is not committed"),
        ("fresh.py", "shop/", "shop/fresh.py is not committed"),
        ("../util.py", "lib/deep/", ""),
    ],
)
def test_file_that_only_the_disk_has_is_not_committed(printed: str, prefix: str, message: str) -> None:
    """Such a file is certain, and never taken for a committed one with the same end."""
    found = linker(prefix, only_on_disk=["shop/fresh.py"]).link(Frame(printed, 1))
    assert (found.message, found.reason is Reason.NOT_COMMITTED) == (message, bool(message)) or found.path


@pytest.mark.parametrize("printed", ["12:30:45", "/srv/app/gone.py", "other/gone.py", "<stdin>", "/usr/include/x.h"])
def test_diagnostic_without_a_file_is_ignored(printed: str) -> None:
    """A path in ordinary text may be no place at all, so that only a frame counts as missing."""
    assert linker().link(Frame(printed, 1, kind="diagnostic")).ignored
    assert not linker().link(Frame(printed, 1)).ignored


@pytest.mark.parametrize(
    ("printed", "reason"),
    [("main.py", None), ("util.py", Reason.SEVERAL_FILES), ("fresh.py", Reason.NOT_COMMITTED)],
)
def test_diagnostic_with_a_file_counts(printed: str, reason: Reason | None) -> None:
    """It has a link or a reason, like a frame."""
    found = linker(only_on_disk=["fresh.py"]).link(Frame(printed, 1, kind="diagnostic"))
    assert (found.ignored, found.reason) == (False, reason)


def test_mapped_diagnostic_counts() -> None:
    """Somebody has named where its file should be."""
    found = linker(mappings=[("app", "shop")]).link(Frame("app/gone.py", 1, kind="diagnostic"))
    assert (found.ignored, found.reason) == (False, Reason.FILE_NOT_FOUND)


def test_file_below_the_working_directory_breaks_a_tie() -> None:
    """Packages of a monorepo have files with the same names."""
    files = ("one/src/cart.ts", "two/src/cart.ts", "two/test/cart.ts")
    for printed in ("/app/src/cart.ts", "/app/x/src/cart.ts", "src/cart.ts"):
        assert linker(files=files).link(Frame(printed, 1)).reason is Reason.SEVERAL_FILES
        assert linker("two/", files=files).link(Frame(printed, 1)).path == "two/src/cart.ts"
    assert linker("two/", files=files).link(Frame("cart.ts", 1)).reason is Reason.SEVERAL_FILES


def test_same_file_is_linked_at_each_line() -> None:
    """The resolved file is cached, its line is not."""
    links = linker()
    assert [links.link(Frame("main.py", line)).url for line in (1, 2)] == ["https://x/main.py#1", "https://x/main.py#2"]


def matches(*places: tuple[str, int]) -> list[FrameMatch]:
    return [FrameMatch(Frame(path, line), number, 0, 1) for number, (path, line) in enumerate(places)]


def counted(links: CheckoutLinks, *places: tuple[str, int]) -> list[str]:
    """Link frames, and return the summary."""
    counts = LinkCounts()
    counts.add(links.link(matches(*places)))
    return links.summary(counts)


@pytest.fixture
def checkout(repository: GitRepository) -> GitRepository:
    repository.git("remote", "add", "origin", "https://github.com/acme/shop")
    return repository


def test_facts_of_a_link_and_of_a_missing_one(checkout: GitRepository) -> None:
    """JSON output has the same keys for both."""
    sha = checkout.shas()[0]
    links = CheckoutLinks(LinkOverrides())
    linked, missing = (frame.facts for frame in links.link(matches(("main.py", 2), ("/usr/x.py", 1))))
    assert linked.keys() == missing.keys()
    assert (linked["url"], linked["ref"]) == (f"https://github.com/acme/shop/blob/{sha}/main.py#L2", sha)
    assert (missing["url"], missing["ref"], missing["reason"]) == (None, None, "not_in_repository")
    assert links.facts == {"commit": sha, "pushed": None}


def test_summary_warns_of_an_unpushed_commit(checkout: GitRepository) -> None:
    """The warning appears only if there is a link that it concerns."""
    checkout.git("update-ref", "refs/remotes/origin/main", "HEAD")
    first, second = checkout.shas()[0], checkout.commit("Second")
    links = CheckoutLinks(LinkOverrides())
    assert len(counted(links, ("/usr/x.py", 1))) == 2
    head = f"commit {second[:12]} is on no branch of a remote yet"
    assert counted(links, ("main.py", 1))[1:] == [
        f"{head}: links lead to commit {first[:12]}, the last that is pushed."
    ]
    selected = counted(CheckoutLinks(LinkOverrides(ref="HEAD")), ("main.py", 1))
    assert selected[1:] == [f"{head}: until it is pushed, its links lead nowhere."]


def test_summary_names_a_few_changed_lines(checkout: GitRepository) -> None:
    """Each changed line is named once, and many are counted."""
    (checkout.path / "shop/cart.py").write_text("x\n" * 30, encoding="utf-8")
    lines = counted(CheckoutLinks(LinkOverrides()), *[("shop/cart.py", line) for line in (1, 1, 2, 3, 4, 5, 6, 7)])
    assert [line.partition(" ")[0] for line in lines[1:]] == [*(f"shop/cart.py:{line}" for line in range(1, 6)), "2"]
    assert lines[-1] == "2 other linked lines were changed too."


def test_other_ref_is_not_compared_with_the_disk(checkout: GitRepository) -> None:
    """The files on disk belong to the commit that is checked out."""
    (checkout.path / "main.py").write_text("x\n", encoding="utf-8")
    assert len(counted(CheckoutLinks(LinkOverrides(ref="HEAD")), ("main.py", 1))) == 1


def test_symbolic_link_to_the_checkout_is_a_root_too(
    checkout: GitRepository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Tools print the folder as the shell has it."""
    (tmp_path / "alias").symlink_to(checkout.path)
    monkeypatch.setenv("PWD", str(tmp_path / "alias"))
    (linked,) = CheckoutLinks(LinkOverrides()).link(matches((f"{tmp_path}/alias/main.py", 1)))
    assert linked.facts["confidence"] == "high"


@pytest.mark.parametrize("pwd", ["", "/", "/no/such/folder", ".."])
def test_stale_working_directory_of_the_environment_is_ignored(
    checkout: GitRepository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pwd: str
) -> None:
    """A program that starts the command elsewhere may leave its own PWD."""
    monkeypatch.setenv("PWD", str(tmp_path) if pwd == ".." else pwd)
    inside, other = CheckoutLinks(LinkOverrides()).link(
        matches((f"{checkout.path}/main.py", 1), (f"{tmp_path}/other/shop/cart.py", 1))
    )
    assert (inside.facts["confidence"], other.facts["sourcePath"]) == ("high", "shop/cart.py")


def test_mappings_of_the_command_line_are_applied(checkout: GitRepository) -> None:
    """A mapping is a pair of a stack root and a source root."""
    (linked,) = CheckoutLinks(LinkOverrides(mappings=[("/x", "shop")])).link(matches(("/x/cart.py", 1)))
    assert linked.facts["sourcePath"] == "shop/cart.py"
