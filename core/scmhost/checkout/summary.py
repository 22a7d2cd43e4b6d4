"""Summary of a linked text: how many frames have links, and why the others have none."""

from collections import Counter
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Final

from scmhost.mapping.paths import read_printed_path
from scmhost.sdk.reasons import NEXT_STEP, Reason

from .formats import GUESS_LEGEND, LinkedFrame

_MOST_REASONS: Final = 8
_ELSEWHERE: Final = frozenset({Reason.NOT_IN_REPOSITORY, Reason.NOT_A_FILE})
# The runtime and the usual test runners: a JVM frame has no folder that shows where its class was installed.
_JVM_PACKAGES: Final = (
    *("java.", "javax.", "jakarta.", "jdk.", "sun.", "com.sun.", "android.", "androidx.", "dalvik."),
    *("kotlin.", "kotlinx.", "scala.", "groovy.", "clojure.", "org.apache.maven.", "org.codehaus.", "org.eclipse."),
    *("org.gradle.", "org.hibernate.", "org.junit.", "org.springframework.", "org.testng."),
)
# The steps of the API name code mappings; a checkout has only the options of the command line.
CHECKOUT_NEXT_STEP: Final[Mapping[Reason, str]] = MappingProxyType(
    {
        **NEXT_STEP,
        Reason.FILE_NOT_FOUND: "Check --map and --ref, or that the file exists at this commit.",
        Reason.PATH_OUTSIDE: "Check --map: it maps the frame's path to a path outside of the repository.",
        Reason.NOT_IN_REPOSITORY: "Ignore this if the file is library code. Otherwise add --map, as in --map /app=src.",
        Reason.SEVERAL_FILES: "Add --map for this path, as in --map /app=services/till, so that only one file matches.",
        Reason.NO_SOURCE_PAGES: "Choose a --kind or a --template that has pages of files.",
        Reason.UNSAFE_URL: "Check the remote and --template: the finished URL is unsafe.",
    }
)


class LinkCounts:
    """Number of frames with links, and of frames without, by reason.

    Frames of installed packages are counted apart, because they are not files of this repository. A diagnostic whose
    file is elsewhere is not counted: any program may print places that look like one.
    """

    def __init__(self) -> None:
        self.frames = 0
        self.links = 0
        self.installed = 0
        self._guesses = False
        self._diagnostics = False
        self._reasons: Counter[tuple[str, str, str]] = Counter()

    def add(self, frames: Sequence[LinkedFrame]) -> None:
        """Count frames."""
        for frame in frames:
            is_diagnostic = frame.found.frame.kind == "diagnostic"
            if frame.ignored or (is_diagnostic and frame.reason in _ELSEWHERE):
                continue
            if frame.url:
                self.links += 1
                self._guesses = self._guesses or frame.is_guess
            elif frame.reason in _ELSEWHERE and _is_installed(frame):
                self.installed += 1
                continue
            else:
                self._reasons[self._key(frame)] += 1
            self.frames += 1
            self._diagnostics = self._diagnostics or is_diagnostic

    def _key(self, frame: LinkedFrame) -> tuple[str, str, str]:
        key = (frame.reason, frame.message, frame.next_step)
        return key if key in self._reasons or len(self._reasons) < _MOST_REASONS else ("other reasons", "", "")

    def lines(self) -> list[str]:
        """Return the counts as sentences, and the legend if there is a guess."""
        noun = "source locations" if self._diagnostics else "frames"
        yours, apart = (" of yours", f", {self.installed} in installed packages") if self.installed else ("", "")
        lines = [f"{self.links} of {self.frames} {noun}{yours} have links{apart}."]
        for (reason, message, step), count in self._reasons.items():
            lines.append(" ".join([f"{count} without: {reason}.", *map(_sentence, filter(None, (message, step)))]))
        return [*lines, GUESS_LEGEND] if self._guesses else lines


def _is_installed(linked: LinkedFrame) -> bool:
    """True for frames of installed packages and of the runtime itself."""
    from scmhost.frames.frame import JVM

    frame = linked.found.frame
    if frame.language in JVM:
        # The module of Java 9 is before a slash: java.base/java.util.ArrayList.
        return (frame.module or "").rpartition("/")[2].startswith(_JVM_PACKAGES)
    printed = read_printed_path(frame.path)
    return printed is None or printed.installed is not None


def _sentence(text: str) -> str:
    """End the text with a full stop; messages of plugins may have one already."""
    return text if text.endswith((".", "!", "?")) else f"{text}."
