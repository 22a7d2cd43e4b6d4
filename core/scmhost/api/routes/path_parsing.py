"""From a pasted page of a file to the roots of a code mapping."""

from typing import Annotated, Final

from fastapi import APIRouter, Depends
from pydantic import AliasChoices, BaseModel, Field

from scmhost.api.context import ServicesOf, allowed, project_in
from scmhost.api.shapes import ParsedPath
from scmhost.mapping import FrameInfo
from scmhost.sdk import Organization
from scmhost.usecases.parse_source_url import parse_source_url
from scmhost.usecases.values import Project

router: Final = APIRouter(prefix="/api/0/projects/{organization}/{project}", tags=["code mappings"])

LONGEST: Final = 4096


class PathsIn(BaseModel):
    """A page and the path of a frame; camel case and snake case are both taken."""

    source_url: str = Field(validation_alias=AliasChoices("sourceUrl", "source_url"))
    stack_path: str = Field(validation_alias=AliasChoices("stackPath", "stack_path"), max_length=LONGEST)
    module: str | None = Field(default=None, max_length=LONGEST)
    abs_path: str | None = Field(default=None, validation_alias=AliasChoices("absPath", "abs_path"), max_length=LONGEST)
    platform: str | None = Field(default=None, max_length=LONGEST)

    def frame(self) -> FrameInfo:
        """The frame that the path is of."""
        return FrameInfo(self.stack_path, self.module, self.abs_path, platform=self.platform)


@router.post("/repo-path-parsing/")
def parse_paths(
    services: ServicesOf,
    organization: Annotated[Organization, Depends(allowed("path_parsing"))],
    _project: Annotated[Project, Depends(project_in("path_parsing"))],
    paths: PathsIn,
) -> ParsedPath:
    """The repository, the roots and the branch that the page of a frame's file tells."""
    parsed = parse_source_url(services, organization, paths.source_url, paths.frame())
    return ParsedPath(
        integration_id=parsed.installation.id,
        repository_id=parsed.repository.id,
        provider=parsed.installation.provider,
        stack_root=parsed.roots.stack_root,
        source_root=parsed.roots.source_root,
        default_branch=parsed.branch,
    )
