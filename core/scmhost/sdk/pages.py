"""The pages of a code host as templates that were tried, and links made from them."""

from collections.abc import Mapping
from typing import Final, Self

from pydantic import field_validator, model_validator

from .page_templates import PageTemplates, RenderedView
from .ref_links import RefLinks
from .refs import At
from .samples import check_pages
from .tokens import PageName
from .urls import check_web_url
from .values import Location, NoUrl, RefKind, Value

__all__ = ["Pages", "RefLinks", "RenderedView", "UrlTemplates"]

_OF_THE_VIEW: Final = frozenset({"anchor", "columns", "also", "also_anchors", "rendered", "pinned"})


class Pages(PageTemplates):
    """Templates of a host's pages: each one template, or one per kind of ref, or nothing where there is no such page.

    Attributes:
        repo: how the URLs of repositories look. A repository's own URL is taken apart by it, into tokens of the other
            templates; where no such URL is known, as for a remote, it is what ``{repo_url}`` stands for.
        view: the page of a file.
        anchor: what leads to the lines, put after the page's URL; a leading ``?`` becomes ``&`` where the URL has
            a query.
        columns: the anchor when the columns of both ends are known.
        raw: a file's bytes.
        blame: who changed which line.
        tree: a folder.
        root: the topmost folder, where it is not the page of a folder without its path.
        history: the commits of a file.
        edit: an editor for a file.
        pinned: a file's page when its branch has a slash in its name and the branch's commit is known.
        commit: the page of a commit.
        compare: the page between ``{base}`` and ``{head}``.
        change_request: the page of a change request by its ``{number}``.
        also: other pages of a file that are read but not written.
        also_anchors: other anchors that are read but not written.
        rendered: formats that need their source view asked for, with a line and without.
        groups: how many segments an owner may have.
        least: how many segments a repository's path has at least.
        strip_git_suffix: whether a ``.git`` at the end of the repository's URL belongs to cloning only.
        free_refs: whether refs are named by other rules than git's.
    """

    def with_own(self, templates: Mapping[str, str]) -> Self:
        """The same pages with templates of one's own, by the names of the fields.

        A view of one's own shows its lines itself: the anchors, the source view and the other forms of a file's page
        belong to the view whose place it takes.
        """
        fields = self.model_dump(exclude_none=True)
        gone = _OF_THE_VIEW if "view" in templates else frozenset[str]()
        return self.model_validate({**{name: fields[name] for name in fields.keys() - gone}, **templates})

    @model_validator(mode="after")
    def _samples_survive(self) -> "Pages":
        check_pages(self)
        return self


class UrlTemplates(Value):
    """The pages of one repository: what ``scm_url_templates`` hands to the host."""

    pages: Pages
    repo_url: str

    @field_validator("repo_url")
    @classmethod
    def _repo_url_is_web(cls, url: str) -> str:
        return check_web_url(url)

    def at(self, ref: str, kind: RefKind) -> RefLinks | NoUrl:
        """The links of one ref, ready to render many files."""
        return self.pages.links(self.repo_url, ref, kind)

    def view(self, location: Location) -> str | NoUrl:
        """The page that shows a location."""
        return self.file("view", location)

    def file(self, page: PageName, location: Location) -> str | NoUrl:
        """Any page of a location: its bytes, its blame and so on."""
        at = At(location.ref, location.ref_kind)
        links = self.pages.file_links(self.pages.values(self.repo_url), page, at)
        return links if isinstance(links, NoUrl) else links.of(location)

    def commit(self, sha: str) -> str | NoUrl:
        """The page of a commit."""
        refs = {"commit": sha, "ref": sha, "changelist": sha, "changeset": sha}
        return self.pages.page("commit", self.pages.values(self.repo_url), "commit", refs)

    def compare(self, base: str, head: str) -> str | NoUrl:
        """The page between two commits."""
        return self.pages.page("compare", self.pages.values(self.repo_url), "commit", {"base": base, "head": head})
