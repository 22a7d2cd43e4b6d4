"""Add or change a code mapping: the roots are read from a page or guessed, and tried before they are saved."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from starlette.responses import Response

from scmhost.infra.errors import InvalidInput
from scmhost.infra.paging import PageQuery
from scmhost.installations.install import InvalidForm
from scmhost.links.code_mappings import (
    MappingDetails,
    change_mapping,
    check_mapping,
    create_mapping,
    delete_mapping,
    get_mapping,
)
from scmhost.links.derive import DerivationOptions, derive_for_project
from scmhost.links.explain import MappingChange, TriedFrame, try_change
from scmhost.links.sharing import list_shared, read_shared
from scmhost.links.source_urls import parse_source_url
from scmhost.links.traces import LinksIn, read_trace, trace_time
from scmhost.links.values import FrameQuery, LinkOptions, MappingDraft, encodable, no_link_message
from scmhost.mapping import FrameInfo
from scmhost.repositories.manage import list_repositories
from scmhost.sdk import Repository, RepositoryStatus

from .visit import Visit, get, post

_MOST_LISTED: Final = 50
"""How many repositories are offered as a list; with more of them, a person types the name."""

_MOST_TRIED: Final = 200
_SIZES: Final = (60, 20, 5, 0)
_LONGEST_TEXT: Final = 12_000
_NUMBER_LENGTH: Final = 9
_FIELDS: Final = ("repository", "stack_root", "source_root", "default_branch")
_FRAME: Final = ("path", "line", "module", "platform")
# The fields of the form, by the names in the answers of the API.
_NAMES: Final = {
    "repositoryId": "repository",
    "stackRoot": "stack_root",
    "sourceRoot": "source_root",
    "defaultBranch": "default_branch",
    "sourceUrl": "source_url",
    "nonFieldErrors": "",
}

Problems = Mapping[str, Sequence[str]]


@dataclass(frozen=True, slots=True)
class MappingForm:
    """What a person entered.

    Attributes:
        values: the fields of the mapping, the frame that needs it, the text to try it on, and the page of its file.
        tried: the fields of the mapping that were tried last.
        note: where the values are from, if nobody entered them.
    """

    values: Mapping[str, str]
    tried: str = ""
    note: str = ""

    @property
    def signature(self) -> str:
        """The fields of the mapping as one text, to see whether they changed after they were tried."""
        return "\n".join(self.values.get(name, "") for name in _FIELDS)

    @property
    def frame(self) -> FrameQuery | None:
        """The frame that needs the mapping."""
        path, line, module = (self.values.get(name, "") for name in ("path", "line", "module"))
        if not path:
            return None
        # As in the address of a redirect: the JVM prints the name of a file, and the class has its folders.
        info = FrameInfo(path, module or None, path if module else None, platform=self.values.get("platform") or None)
        is_number = line.isascii() and line.isdigit() and len(line) <= _NUMBER_LENGTH
        return FrameQuery(info, int(line) if is_number else None)

    def filled(self, **values: str | None) -> "MappingForm":
        """Return the form with other values."""
        return replace(self, values={**self.values, **{name: value or "" for name, value in values.items()}})


def show_new(visit: Visit) -> Response:
    """The form for a new mapping. For a frame, the roots that known files give are filled in, and tried."""
    visit.require_admin()
    form = MappingForm({name: encodable(visit.query(name)) for name in (*_FIELDS, *_FRAME)})
    suggested = _suggested(visit, form)
    if suggested is None:
        return _page(visit, _with_folder(form))
    tries = _try(visit, _draft(visit, suggested), None, _frames(visit, suggested))
    return _page(visit, suggested, tries=tries)


def add_mapping(visit: Visit) -> Response:
    """Fill in the roots, try the mapping, or save it: whichever button was used."""
    return _answer_form(visit, None)


def show_mapping(visit: Visit) -> Response:
    """The form for an existing mapping."""
    visit.require_admin()
    existing = _existing(visit)
    mapping = existing.mapping
    values = {
        "repository": existing.repository.name,
        "stack_root": mapping.stack_root,
        "source_root": mapping.source_root,
        "default_branch": mapping.default_branch or "",
    }
    return _page(visit, MappingForm(values), existing)


def edit_mapping(visit: Visit) -> Response:
    """Try the changed mapping, or save it."""
    return _answer_form(visit, _existing(visit))


def remove_mapping(visit: Visit) -> Response:
    """Delete a mapping."""
    organization = visit.require_admin()
    existing = _existing(visit)
    delete_mapping(visit.acting, organization, existing.mapping.id)
    return visit.redirect(f"{visit.project_path}/mappings", "The code mapping is deleted.")


def _existing(visit: Visit) -> MappingDetails:
    return get_mapping(visit.services, visit.organization, visit.project, visit.path_id("mapping"))


def _answer_form(visit: Visit, existing: MappingDetails | None) -> Response:
    visit.require_admin()
    named = {name: visit.field(name) for name in (*_FIELDS, *_FRAME, "source_url")}
    form = MappingForm({**named, "text": visit.form.get("text", "")}, visit.form.get("tried", "").replace("\r\n", "\n"))
    try:
        if visit.field("do") == "read":
            form = _read_page(visit, form)
        if visit.field("do") == "shared":
            form = _with_shared(visit, form)
        draft = _draft(visit, form)
        frames = _frames(visit, form)
        # A mapping is tried as it will be saved: after a change of its fields it is tried again.
        if visit.field("do") == "save" and (not frames or form.tried == form.signature):
            return _save(visit, draft, existing)
        return _page(visit, form, existing, tries=_try(visit, draft, existing, frames))
    except InvalidForm as error:
        problems = {_NAMES.get(name, name): texts for name, texts in error.problems.items()}
        return _page(visit, form, existing, problems=problems, status=400)
    except InvalidInput as error:
        return _page(visit, form, existing, problems={error.field or "": [error.message]}, status=400)


def _read_page(visit: Visit, form: MappingForm) -> MappingForm:
    """Return the form with the repository, the roots and the branch that the page of the frame's file gives."""
    frame = form.frame
    if frame is None:
        raise InvalidForm({"path": ["Enter the path as the trace has it."]})
    read = parse_source_url(visit.services, visit.organization, form.values["source_url"], frame.info)
    return form.filled(
        repository=read.repository.name,
        stack_root=read.roots.stack_root,
        source_root=read.roots.source_root,
        default_branch=read.branch,
    )


def _with_shared(visit: Visit, form: MappingForm) -> MappingForm:
    """Return the form with the text of the trace that somebody has shared last."""
    place = visit.services, visit.organization, visit.project
    shared = list_shared(*place)
    if not shared:
        raise InvalidInput("Nobody shares a trace of this project any more.", "text")
    return form.filled(text=read_shared(*place, shared[0].id).text)


def _draft(visit: Visit, form: MappingForm) -> MappingDraft:
    """Return the mapping that the form describes.

    Raises:
        InvalidForm: a field is wrong.
    """
    values = form.values
    draft = MappingDraft(
        visit.project.id,
        _repository(visit, values["repository"]).id,
        values["stack_root"],
        values["source_root"],
        values["default_branch"] or None,
    )
    check_mapping(draft)
    return draft


def _repository(visit: Visit, name: str) -> Repository:
    for repository in _claimed(visit, name):
        if repository.name.casefold() == name.casefold():
            return repository
    raise InvalidForm({"repository": ["There is no claimed repository with this name."]})


def _claimed(visit: Visit, name: str = "") -> list[Repository]:
    """Return claimed repositories whose names contain a text. Others have no pages to link to."""
    active = list_repositories(
        visit.services, visit.organization, PageQuery(size=200), query=name, statuses=[RepositoryStatus.ACTIVE]
    )
    return [each for each in active.items if each.installation_id is not None]


def _frames(visit: Visit, form: MappingForm) -> list[FrameQuery]:
    """Return the frames to try the mapping on: the one that needs it, and those of the text."""
    text = form.values.get("text", "")
    with trace_time(visit.services, visit.organization):
        read = read_trace(visit.services, LinksIn(text=text)).queries if text.strip() else []
    return [*([form.frame] if form.frame else []), *read[:_MOST_TRIED]]


def _try(
    visit: Visit, draft: MappingDraft, existing: MappingDetails | None, frames: Sequence[FrameQuery]
) -> list[TriedFrame]:
    change = MappingChange(draft, existing.mapping.id if existing else None)
    options = LinkOptions(derive=True, with_file_status=True)
    return try_change(visit.services, visit.organization, visit.project, change, frames, options)


def _save(visit: Visit, draft: MappingDraft, existing: MappingDetails | None) -> Response:
    if existing:
        change_mapping(visit.acting, visit.organization, existing.mapping.id, draft)
    else:
        name = visit.field("repository")
        create_mapping(visit.acting, visit.organization, _repository(visit, name).installation_id or 0, draft)
    return visit.redirect(f"{visit.project_path}/mappings", "The code mapping is saved.")


def _suggested(visit: Visit, form: MappingForm) -> MappingForm | None:
    """Return the form with the roots that the files of known commits give for the frame; None if they give none."""
    if form.frame is None:
        return None
    options = DerivationOptions(min_confidence="low")
    derived = derive_for_project(visit.services, visit.organization, visit.project, [form.frame], options)
    best = next((each for each in derived if each.action != "skip"), None)
    if best is None:
        return None
    draft = best.draft
    filled = form.filled(
        repository=best.repository.name,
        stack_root=draft.stack_root,
        source_root=draft.source_root,
        default_branch=draft.default_branch,
    )
    return replace(filled, note="The roots are filled in: the files of known commits support them.")


def _with_folder(form: MappingForm) -> MappingForm:
    """Return the form with the folder of the frame's path as the stack root, if it names none: a person goes on."""
    path = form.values["path"]
    folder = path[: max(path.rfind("/"), path.rfind("\\")) + 1]
    # The folders of a frame of the JVM are those of its class.
    if not folder or form.values["stack_root"] or form.values["module"]:
        return form
    note = "The stack root is the folder of the path. Correct it, or fill in all roots from the page of the file."
    return replace(form.filled(stack_root=folder), note=note)


def _page(
    visit: Visit,
    form: MappingForm,
    existing: MappingDetails | None = None,
    *,
    tries: Sequence[TriedFrame] | None = None,
    problems: Problems | None = None,
    status: int = 200,
) -> Response:
    names = [each.name for each in _claimed(visit)]
    text = form.values.get("text", "")
    empty = dict.fromkeys((*_FIELDS, *_FRAME, "source_url"), "")
    return visit.page_that_fits(
        "mapping_form.html",
        _SIZES,
        status,
        form=replace(form, values={**empty, **form.values, "text": text if len(text) <= _LONGEST_TEXT else ""}),
        existing=existing,
        options=[(name, name) for name in names] if len(names) <= _MOST_LISTED else [],
        tries=tries,
        problems=problems or {},
        has_shared=bool(list_shared(visit.services, visit.organization, visit.project)),
        can_save=tries is not None or form.frame is None,
        why=no_link_message,
    )


VIEWS: Final = (
    get("/organizations/{organization}/projects/{project}/mappings/new", show_new),
    post("/organizations/{organization}/projects/{project}/mappings/new", add_mapping),
    get("/organizations/{organization}/projects/{project}/mappings/{mapping}", show_mapping),
    post("/organizations/{organization}/projects/{project}/mappings/{mapping}", edit_mapping),
    post("/organizations/{organization}/projects/{project}/mappings/{mapping}/delete", remove_mapping),
)
