"""A provider that records what it gets as a whole: its data folder, its settings, and events about repositories."""

from collections.abc import Sequence
from pathlib import Path

from pydantic import BaseModel

from scmhost.sdk import Command, InstallationDraft, Provider, Repository, hookimpl

received: dict[str, object] = {}


@hookimpl
def scm_register_providers() -> Sequence[Provider]:
    return (Provider(key="keeper", name="Keeper"),)


@hookimpl
def scm_install() -> InstallationDraft:
    return InstallationDraft(name="keeper", external_id="1")


@hookimpl
def scm_startup(data_folder: Path) -> None:
    received["startup"] = (data_folder, data_folder.is_dir())


@hookimpl
def scm_register_commands(settings: BaseModel, data_folder: Path) -> Sequence[Command]:
    received["commands"] = (data_folder, type(settings).__name__)
    return ()


@hookimpl
def scm_repository_saved(repository: Repository) -> None:
    received["saved"] = repository.name
