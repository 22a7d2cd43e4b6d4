"""A plugin that logs with structlog and with the standard library."""

import logging
from collections.abc import Sequence

import structlog

from scmhost.sdk import InstallationDraft, Provider, hookimpl


@hookimpl
def scm_register_providers() -> Sequence[Provider]:
    return [Provider(key="talkative", name="Talkative", requires_feature_flag=False)]


@hookimpl
async def scm_install() -> InstallationDraft:
    structlog.get_logger().info("hello from a plugin")
    logging.getLogger("some.library").warning("hello from a library")
    return InstallationDraft(name="talkative", external_id="1")
