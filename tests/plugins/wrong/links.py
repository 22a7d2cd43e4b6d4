"""Plugins that violate a check of links. Each builds links by hand and has one fault."""

# A hook may leave out arguments, which mypy takes for a wrong override.
# mypy: disable-error-code="override"

from collections.abc import Sequence
from typing import Any
from urllib.parse import quote, urlsplit

from scmhost.sdk import (
    Location,
    LocationCandidate,
    NoUrl,
    Pages,
    Repository,
    UrlTemplates,
    escaping,
    hookimpl,
    read_own_url,
)

from .correct import NO_URL, PAGES, Correct


def has_no_dots(location: Location) -> bool:
    return not {".", ".."} & set(location.path.split("/"))


def anchor(location: Location) -> str:
    return f"#L{location.line}" if location.line is not None else ""


class WithoutTemplates(Correct):
    """Builds correct links without templates."""

    scm_url_templates = None  # type: ignore[assignment]

    def page(self, base: str, ref: str, path: str, line: str) -> str:
        return f"{base}/show/{escaping.segment(ref)}/{escaping.path(path)}{line}"

    @hookimpl
    def scm_source_url(self, repository: Repository, location: Location) -> str | NoUrl:
        if repository.url is None or not has_no_dots(location):
            return NO_URL
        return self.page(repository.url, location.ref, location.path, anchor(location))

    @hookimpl
    def scm_commit_url(self, repository: Repository, sha: str) -> str | NoUrl:
        return f"{repository.url}/commit/{sha}" if repository.url else NO_URL

    @hookimpl
    def scm_compare_url(self, repository: Repository, base: str, head: str) -> str | NoUrl:
        ends = f"{escaping.segment(base)}...{escaping.segment(head)}"
        return f"{repository.url}/compare/{ends}" if repository.url else NO_URL


class DoesNotEscape(WithoutTemplates):
    def page(self, base: str, ref: str, path: str, line: str) -> str:
        return f"{base}/show/{ref}/{path}{line}"


class PutsRefIntoHost(WithoutTemplates):
    def page(self, base: str, ref: str, path: str, line: str) -> str:
        parts = urlsplit(base)
        return f"{parts.scheme}://{escaping.segment(ref)}.{parts.netloc}/{escaping.path(path)}{line}"


class LinksDottedPaths(WithoutTemplates):
    @hookimpl
    def scm_source_url(self, repository: Repository, location: Location) -> str | NoUrl:
        return self.page(repository.url, location.ref, location.path, anchor(location)) if repository.url else NO_URL


class KeepsHashSign(WithoutTemplates):
    def page(self, base: str, ref: str, path: str, line: str) -> str:
        return f"{base}/show/{escaping.segment(ref)}/{quote(path, safe='/#')}{line}"


class KeepsPercentSign(WithoutTemplates):
    def page(self, base: str, ref: str, path: str, line: str) -> str:
        return f"{base}/show/{escaping.segment(ref)}/{quote(path, safe='/%')}{line}"


class KeepsAmpersand(WithoutTemplates):
    def page(self, base: str, ref: str, path: str, line: str) -> str:
        return f"{base}/show?ref={escaping.query(ref)}&path={quote(path, safe='/&=')}{line}"


class KeepsPlusSign(WithoutTemplates):
    def page(self, base: str, ref: str, path: str, line: str) -> str:
        return f"{base}/show?ref={escaping.query(ref)}&path={quote(path, safe='/+')}{line}"


class LinksLineNone(WithoutTemplates):
    @hookimpl
    def scm_source_url(self, repository: Repository, location: Location) -> str | NoUrl:
        if repository.url is None or not has_no_dots(location):
            return NO_URL
        return self.page(repository.url, location.ref, location.path, f"#L{location.line}")


class CountsLinesFromZero(WithoutTemplates):
    @hookimpl
    def scm_source_url(self, repository: Repository, location: Location) -> str | NoUrl:
        if repository.url is None or not has_no_dots(location):
            return NO_URL
        line = f"#L{location.line - 1}" if location.line else ""
        return self.page(repository.url, location.ref, location.path, line)


class HasOtherTemplates(Correct):
    @hookimpl
    def scm_url_templates(self, repository: Repository) -> UrlTemplates | None:
        pages = Pages(view="{repo_url}/blob/{ref|segment}/{path}", anchor="#L{line}")
        return UrlTemplates(pages=pages, repo_url=repository.url) if repository.url else None

    @hookimpl
    def scm_source_url(self, repository: Repository, location: Location) -> str | NoUrl:
        templates = UrlTemplates(pages=PAGES, repo_url=repository.url) if repository.url else None
        return templates.view(location) if templates else NO_URL


class ReadsNoLines(Correct):
    @hookimpl
    def scm_read_source_url(self, url: str, repositories: Sequence[Repository]) -> Sequence[LocationCandidate]:
        found = super().scm_read_source_url(url, repositories)
        return [one.model_copy(update={"location": one.location.model_copy(update={"line": None})}) for one in found]


class ReadsWithoutUnescaping(Correct):
    """Splits the URL by hand and does not unescape its parts."""

    @hookimpl
    def scm_read_source_url(self, url: str, repositories: Sequence[Repository]) -> Sequence[LocationCandidate]:
        return [candidate for one in repositories if one.url for candidate in self._candidates(url, one)]

    def _candidates(self, url: str, repository: Repository) -> list[LocationCandidate]:
        head, mark, tail = url.partition(f"{repository.url}/show/")
        ref, _, path = tail.partition("#")[0].partition("/")
        if head or not mark or not ref:
            return []
        location = Location(ref=ref[:255], ref_kind="branch", path=path[:4096])
        return [LocationCandidate(repository_id=repository.id, location=location)]


class ReadsOtherHosts(Correct):
    """Finds the path anywhere in the URL, on any host."""

    @hookimpl
    def scm_read_source_url(self, url: str, repositories: Sequence[Repository]) -> Sequence[LocationCandidate]:
        return [candidate for one in repositories if one.url for candidate in self._candidates(url, one)]

    def _candidates(self, url: str, repository: Repository) -> list[LocationCandidate]:
        _, mark, tail = url.partition("/show/")
        own = f"{repository.url}/show/{tail}" if mark else url
        places = [Location.model_validate(found.model_dump(exclude={"repo"})) for found in self._read(own, repository)]
        return [LocationCandidate(repository_id=repository.id, location=place) for place in places]

    def _read(self, url: str, repository: Repository) -> list[Any]:
        return [found for found in read_own_url(url, PAGES, str(repository.url)) if found.ref is not None]


class RequiresRepositoryUrl(Correct):
    """Assumes that every repository has a URL."""

    @hookimpl
    def scm_read_source_url(self, url: str, repositories: Sequence[Repository]) -> Sequence[LocationCandidate]:
        return [candidate for one in repositories for candidate in self._read(url, one)]

    def _read(self, url: str, repository: Repository) -> Sequence[LocationCandidate]:
        return super().scm_read_source_url(url, [repository]) if str(repository.url.lower()) in url.lower() else []  # type: ignore[union-attr]


class LinksToNone(WithoutTemplates):
    @hookimpl
    def scm_commit_url(self, repository: Repository, sha: str) -> str | NoUrl:
        return f"https://git.example.com/{repository.url}/commit/{sha}"


class LinksWithoutCommit(WithoutTemplates):
    @hookimpl
    def scm_commit_url(self, repository: Repository) -> str | NoUrl:
        return f"{repository.url}/commits" if repository.url else NO_URL


class SortsComparedCommits(WithoutTemplates):
    @hookimpl
    def scm_compare_url(self, repository: Repository, base: str, head: str) -> str | NoUrl:
        ends = "...".join(sorted([escaping.segment(base), escaping.segment(head)]))
        return f"{repository.url}/compare/{ends}" if repository.url else NO_URL
