"""Code mappings that a trace and the files of commits tell together."""

from typing import Final

from fastapi import APIRouter
from pydantic import Field

from scmhost.api import trace_bodies
from scmhost.api.context import ActingServices, ForProjects, ProjectToRead
from scmhost.api.shapes import Wire
from scmhost.api.trace_bodies import DeriveIn
from scmhost.api.trace_shapes import MappingWhole, mapping_whole
from scmhost.usecases.save_derived import Derivation, Derive, derive_for_project

router: Final = APIRouter(prefix="/api/0/projects/{organization}/{project}", tags=["code mappings"])


class DerivedOut(Wire):
    """A code mapping that was derived, and what is done with it."""

    action: str = Field(
        description="create; update, because it is surer now; keep, because it is there; skip, with the detail why."
    )
    mapping: MappingWhole
    detail: str | None


class DerivationOut(Wire):
    saved: bool = Field(description="Whether the actions were done; else they would be.")
    mappings: list[DerivedOut]
    unread_lines: int
    truncated: bool


@router.post("/derive-mappings/")
def derive(
    services: ActingServices, organization: ForProjects, project: ProjectToRead, body: DeriveIn
) -> DerivationOut:
    """The code mappings that a trace and the files of known commits tell; saved only when that is asked for."""
    trace = trace_bodies.read(services, body)
    how = Derive(save=body.save, least=body.confidence, default_branch=body.default_branch)
    derived = derive_for_project(services, organization, project, trace.queries, how)
    return DerivationOut(
        saved=body.save,
        mappings=[_derived(item) for item in derived],
        unread_lines=trace.unread,
        truncated=trace.truncated,
    )


def _derived(item: Derivation) -> DerivedOut:
    mapping = mapping_whole(item.draft, item.repository, item.mapping_id or 0)
    return DerivedOut(action=item.action, mapping=mapping, detail=item.detail)
