"""The summary of a linked text."""

import pytest

from scmhost.checkout.formats import GUESS_LEGEND, LinkedFrame
from scmhost.checkout.summary import CHECKOUT_NEXT_STEP, LinkCounts
from scmhost.frames import FrameMatch
from scmhost.frames.frame import Frame
from scmhost.sdk.reasons import NEXT_STEP, Reason


def frame(url: str | None = None, reason: str = "", message: str = "", step: str = "") -> LinkedFrame:
    return LinkedFrame(FrameMatch(Frame("a.py", 1), 0, 0, 4), url, {}, reason, message, step)


def test_counts_are_grouped_by_reason() -> None:
    """Frames with the same reason, message and next step are one sentence, in the order of their appearance."""
    counts = LinkCounts()
    counts.add([frame("https://x"), frame(reason="gone", message="a is gone", step="Look for it.")])
    counts.add([frame(reason="other"), frame(reason="gone", message="a is gone", step="Look for it.")])
    assert counts.lines() == [
        "1 of 4 frames have links.",
        "2 without: gone. a is gone. Look for it.",
        "1 without: other.",
    ]


def test_counts_without_frames_are_one_sentence() -> None:
    """A text without frames is not an error."""
    assert LinkCounts().lines() == ["0 of 0 frames have links."]


def test_many_reasons_are_summed_up() -> None:
    """A log with a different message for each frame gives a short summary."""
    counts = LinkCounts()
    counts.add([frame(reason="gone", message=str(number)) for number in range(50)])
    lines = counts.lines()
    assert len(lines) == 10
    assert lines[-1] == "42 without: other reasons."


@pytest.mark.parametrize(("message", "shown"), [("no", "no."), ("no.", "no."), ("no!", "no!"), ("no?", "no?")])
def test_messages_end_with_one_full_stop(message: str, shown: str) -> None:
    """Messages of plugins may have an end already."""
    counts = LinkCounts()
    counts.add([frame(reason="r", message=message)])
    assert counts.lines()[1] == f"1 without: r. {shown}"


def unlinked(frame: Frame, reason: str = Reason.NOT_IN_REPOSITORY) -> LinkedFrame:
    return LinkedFrame(FrameMatch(frame, 0, 0, 4), None, {}, reason)


@pytest.mark.parametrize(
    "frame",
    [
        Frame("/usr/lib/python3.11/json/decoder.py", 1),
        Frame("/home/ada/shop/.venv/lib/python3.12/site-packages/click/core.py", 1),
        Frame("/srv/app/node_modules/express/lib/router.js", 1),
        Frame("node:internal/modules/cjs/loader", 1),
        Frame("<frozen importlib._bootstrap>", 1),
        Frame("/usr/local/go/src/runtime/panic.go", 1),
        Frame("/root/go/pkg/mod/github.com/acme/till@v1.2.0/till.go", 1),
        Frame("/rustc/9fc6b43126469e3858e2fe86cafb4f0fd5068869/library/std/src/panicking.rs", 1),
        Frame("ArrayList.java", 1, module="java.util.ArrayList", language="java"),
        Frame("ArrayList.java", 1, module="java.base/java.util.ArrayList", language="java"),
        Frame("Intrinsics.kt", 1, module="kotlin.jvm.internal.Intrinsics", language="kotlin"),
    ],
)
def test_installed_packages_are_counted_apart(frame: Frame) -> None:
    """Packages and the runtime have no file in any repository of yours."""
    counts = LinkCounts()
    counts.add([LinkedFrame(FrameMatch(Frame("a.py", 1), 0, 0, 4), "https://x", {}), unlinked(frame)])
    assert counts.lines() == ["1 of 1 frames of yours have links, 1 in installed packages."]


@pytest.mark.parametrize(
    "frame",
    [Frame("/srv/app/gone.py", 1), Frame("gone.py", 1), Frame("Cart.java", 1, module="com.acme.Cart", language="java")],
)
def test_other_frames_without_a_file_are_missing(frame: Frame) -> None:
    """A frame that may be of this repository counts, and has its reason."""
    counts = LinkCounts()
    counts.add([unlinked(frame)])
    assert counts.lines() == ["0 of 1 frames have links.", "1 without: not_in_repository."]


def test_deleted_file_in_a_folder_of_packages_is_missing() -> None:
    """Any other reason than a file elsewhere is reported."""
    counts = LinkCounts()
    counts.add([unlinked(Frame("vendor/gems/till.rb", 1), Reason.FILE_NOT_FOUND)])
    assert counts.lines() == ["0 of 1 frames have links.", "1 without: file_not_found."]


@pytest.mark.parametrize("reason", [Reason.NOT_IN_REPOSITORY, Reason.NOT_A_FILE])
def test_diagnostic_elsewhere_is_not_counted(reason: Reason) -> None:
    """Ordinary text may look like a diagnostic."""
    counts = LinkCounts()
    counts.add([unlinked(Frame("log:12", 12, kind="diagnostic"), reason)])
    assert counts.lines() == ["0 of 0 frames have links."]


def test_linked_diagnostics_are_source_locations() -> None:
    """A compiler prints no frames."""
    counts = LinkCounts()
    counts.add([LinkedFrame(FrameMatch(Frame("a.c", 3, kind="diagnostic"), 0, 0, 3), "https://x", {})])
    assert counts.lines() == ["1 of 1 source locations have links."]


def test_summary_with_a_guess_explains_the_mark() -> None:
    """The legend comes last, and only if there is a guess."""
    counts = LinkCounts()
    counts.add([LinkedFrame(FrameMatch(Frame("a.py", 1), 0, 0, 4), "https://x", {"confidence": "low"})])
    assert counts.lines() == ["1 of 1 frames have links.", GUESS_LEGEND]


def test_steps_in_a_checkout_name_options() -> None:
    """A checkout has no code mappings that could be added or checked."""
    assert set(CHECKOUT_NEXT_STEP) == set(NEXT_STEP)
    for reason in (Reason.FILE_NOT_FOUND, Reason.NOT_IN_REPOSITORY, Reason.SEVERAL_FILES, Reason.PATH_OUTSIDE):
        assert "code mapping" not in CHECKOUT_NEXT_STEP[reason]
        assert "--map" in CHECKOUT_NEXT_STEP[reason]
