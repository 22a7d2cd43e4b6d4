"""The plugins of the host, for those whom the operator lets see them. They are switched in plugins.toml."""

from typing import Annotated, Final

from fastapi import APIRouter, Depends, Path

from scmhost.api.context import ServicesOf, operator
from scmhost.api.host_shapes import PluginOut
from scmhost.usecases.show_plugins import described, find_plugin, list_plugins

router: Final = APIRouter(prefix="/api/0/plugins", tags=["host"], dependencies=[Depends(operator("host"))])


@router.get("/")
def list_all(services: ServicesOf) -> list[PluginOut]:
    """Every plugin that is installed or named, by name, with its state and what it did in the process that answers."""
    return [PluginOut.model_validate(described(shown)) for shown in list_plugins(services)]


@router.get("/{plugin}/")
def get_one(services: ServicesOf, plugin: Annotated[str, Path(description="A plugin's name.")]) -> PluginOut:
    """One plugin."""
    return PluginOut.model_validate(described(find_plugin(services, plugin)))
