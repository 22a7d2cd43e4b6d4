"""For OpenTelemetry: attributes from which a redirect, or any backend, makes links to the source.

The names are those of OpenTelemetry's semantic conventions. Nothing of OpenTelemetry is imported.
"""

from .build_info import BuildInfo, build_info
from .source_links import SourceLinks, answer_or, source_links

# Now, because it takes a hundred times as long as the rest.
answer_or(None, source_links)


def resource_attributes(info: BuildInfo | None = None) -> dict[str, str]:
    """Return the attributes of a resource: the repository and the revision of this program, if they are known.

    ``Resource.create(resource_attributes())``
    """
    info = info or answer_or(None, build_info)
    if info is None:
        return {}
    return {"vcs.repository.url.full": info.repository, "vcs.ref.head.revision": info.revision}


def code_attributes(error: BaseException, links: SourceLinks | None = None) -> dict[str, str | int]:
    """Return the attributes of a span or log record: where in your own code the error was raised, if it was there.

    ``span.set_attributes(code_attributes(error))``
    """
    place = answer_or(None, lambda: (links or source_links()).place_of(error))
    if place is None:
        return {}
    return {
        "code.file.path": place.file,
        "code.line.number": place.line,
        "code.function.name": place.function,
        "code.url": place.url,
    }
