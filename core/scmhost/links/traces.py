"""Read a stack trace and link its frames."""

from collections.abc import Sequence

from scmhost.frames import Frame, Reading, read_text
from scmhost.frames.source_paths import JVM
from scmhost.mapping import FrameInfo
from scmhost.organizations.queries import Project
from scmhost.sdk import Organization
from scmhost.services import Services

from .resolve import Resolved, resolve_links
from .values import FrameQuery, Wish


def link_frames(
    services: Services,
    organization: Organization,
    project: Project,
    frames: Sequence[Frame],
    *,
    release: str | None = None,
    commit: str | None = None,
) -> list[Resolved]:
    """Link printed frames at the given commit, else at the release's, else at the default branch."""
    return resolve_links(services, organization, project, queries_of(frames, commit=commit), Wish(release, derive=True))


def read_trace(services: Services, text: str) -> Reading:
    """The frames of a text, as far as the limits go."""
    return read_text(text, limit=services.limits.trace_characters, most=services.limits.trace_frames)


def queries_of(frames: Sequence[Frame], *, commit: str | None = None, platform: str | None = None) -> list[FrameQuery]:
    """What is asked of printed frames. The platform is that of frames that do not tell their language."""
    return [FrameQuery(_info(frame, platform), frame.line, commit) for frame in frames]


def _info(frame: Frame, platform: str | None) -> FrameInfo:
    """What a printed frame tells the code mappings. On the JVM it prints a file's name, and its folders as a class."""
    on_jvm = frame.language in JVM or (frame.language is None and platform == "java")
    return FrameInfo(frame.path, frame.module, frame.path if on_jvm else None, platform="java" if on_jvm else platform)
