"""Add the owners of linked files, from the CODEOWNERS file at the link's commit.

The file is read through the provider, like source lines, with the same cache and the same limits. A token needs no
scope for source code: an answer has owners, a line and a section, and never another part of a file.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from threading import Lock
from typing import Final

from cachetools import LRUCache

from scmhost.owners import OWN_PLACES, PLACES, Answer, CodeOwners, OwnersDialect, OwnersNotSupported, dialect_of
from scmhost.sdk import Organization, TemplateError, UrlError, read_remote
from scmhost.services import Services

from .resolve import ResolvedFrame
from .source_context import LinkedSource, SourceReader, source_of, together
from .source_lines import MissingLines, NoLines

_PARSED_FILES: Final = 32
"""The most parsed files that a process keeps."""


MOST_OWNERS: Final = 100_000
"""The most owners and sections of one answer. Each line of a file may name thousands, and each frame may have it."""


class ParsedOwners:
    """The CODEOWNERS files that this process parsed last, by dialect and content; safe to use from many threads."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._parsed: LRUCache[tuple[OwnersDialect, bytes], CodeOwners] = LRUCache(_PARSED_FILES)

    def parse(self, dialect: OwnersDialect, content: bytes) -> CodeOwners:
        """Return a parsed file.

        Raises:
            OwnersNotSupported: the dialect needs a package that is not installed.
        """
        key = (dialect, content)
        with self._lock:
            found = self._parsed.get(key)
        if found is None:
            # Outside of the lock: a large file takes a while, and parsing it twice does no harm.
            found = CodeOwners(dialect, content.decode(errors="replace"))
            with self._lock:
                self._parsed[key] = found
        return found


@dataclass(frozen=True, slots=True)
class FrameOwners:
    """The owners of a linked file.

    Attributes:
        file: the path of the CODEOWNERS file.
        ownerships: one, or in GitLab one for each section.
    """

    file: str
    ownerships: Answer


_OwnersFile = tuple[str, CodeOwners]


def read_owners(
    services: Services, organization: Organization, resolved: Sequence[ResolvedFrame]
) -> list[FrameOwners | MissingLines | None]:
    """Return the owners of each linked frame's file, or why there are none; None for a frame without a link.

    Plugins are called, so that no transaction may be open. Each CODEOWNERS file is read once.
    """
    sources = [source_of(item) for item in resolved]
    places = {source.place: source for source in sources if source is not None}
    reader = SourceReader(services, organization)
    reader.resolve(places.values())
    parsed = services.shared(ParsedOwners)
    files = together([partial(_read_file, reader, parsed, source) for source in places.values()])
    found = dict(zip(places, files, strict=True))
    answers = [None if source is None else _owners_in(found[source.place], source.path) for source in sources]
    return list(_limited(answers))


def _owners_in(file: _OwnersFile | MissingLines, path: str) -> FrameOwners | MissingLines:
    if isinstance(file, MissingLines):
        return file
    place, owners = file
    return FrameOwners(place, owners.owners_of(path))


def _limited(answers: Iterable[FrameOwners | MissingLines | None]) -> Iterator[FrameOwners | MissingLines | None]:
    """Yield the answers of frames, those that are too much without their owners."""
    left = MOST_OWNERS
    for answer in answers:
        if isinstance(answer, FrameOwners):
            left -= sum(1 + len(ownership.owners) for ownership in answer.ownerships)
            if left < 0:
                yield MissingLines(NoLines.LIMIT_REACHED, f"All frames together have more than {MOST_OWNERS:,} owners.")
                continue
        yield answer


def _read_file(reader: SourceReader, parsed: ParsedOwners, source: LinkedSource) -> _OwnersFile | MissingLines:
    """Return the first CODEOWNERS file in the places where the code host looks for it."""
    for place, dialect in _places_of(source):
        content = reader.read(replace(source, path=place))
        if isinstance(content, bytes):
            if b"\0" in content:
                return MissingLines(NoLines.BINARY_FILE)
            try:
                return place, parsed.parse(dialect, content)
            except OwnersNotSupported as error:
                return MissingLines(NoLines.NOT_SUPPORTED, str(error))
        if content.reason is not NoLines.FILE_NOT_FOUND:
            return content
    return MissingLines(NoLines.FILE_NOT_FOUND, "The repository has no CODEOWNERS at this ref.")


def _places_of(source: LinkedSource) -> Iterable[tuple[str, OwnersDialect]]:
    """Return the places of the file, each with its dialect: those of the code host, if its kind is known."""
    dialect = _dialect_of(source)
    # Of an unknown host only places that a single dialect has are read, because they show the dialect.
    return OWN_PLACES.items() if dialect is None else [(place, dialect) for place in PLACES[dialect]]


def _dialect_of(source: LinkedSource) -> OwnersDialect | None:
    """Return the dialect of a file's code host: by the provider, its configuration, or the repository's URL."""
    configuration: Mapping[str, object] = source.installation.configuration
    kinds = [source.installation.provider, *[configuration.get(name) for name in ("kind", "preset")]]
    try:
        kinds.append(read_remote(source.repository.url or "").kind)
    except (UrlError, TemplateError):
        # The other facts may show it all the same.
        kinds.append(None)
    return next((found for kind in kinds if isinstance(kind, str) and (found := dialect_of(kind))), None)
