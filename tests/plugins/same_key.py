"""Two plugins that register one provider key, and record when they are started and stopped."""

from collections.abc import Sequence

from scmhost.sdk import InstallationDraft, Provider, hookimpl

KEY = "custom_scm"


class SameKey:
    """A plugin whose provider has the key."""

    def __init__(self, name: str) -> None:
        self.received: list[str] = []
        self._provider = Provider(key=KEY, name=name, requires_feature_flag=False)

    @hookimpl
    def scm_register_providers(self) -> Sequence[Provider]:
        return (self._provider,)

    @hookimpl
    def scm_install(self) -> InstallationDraft:
        return InstallationDraft(name="n", external_id="1")

    @hookimpl
    def scm_startup(self) -> None:
        self.received.append("startup")

    @hookimpl
    def scm_shutdown(self) -> None:
        self.received.append("shutdown")


custom = SameKey("Custom")
other = SameKey("Other")
