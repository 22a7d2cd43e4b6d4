"""Wire shapes of what is told about the host itself."""

from pydantic import Field, JsonValue

from scmhost.infra.http import Moment, Wire


class Health(Wire):
    """The process lives."""

    status: str
    version: str


class Ready(Wire):
    """Whether requests can be answered, and the plugins by state."""

    status: str
    detail: str | None
    database: str
    generation: int
    stale_since: Moment | None
    plugins: dict[str, int]
    suspended: list[str]
    stuck: list[str] = Field(description="A sentence for each background loop that makes no progress.")


class HookCalls(Wire):
    """A hook of a plugin, or a step in which the host ran its code, such as ``import``."""

    name: str
    calls: int
    faults: int
    refusals: int = Field(description="How many calls the plugin could not answer, and said so on purpose.")
    unavailable: int = Field(description="How many of the latest calls, in a row, found that the host does not answer.")
    slowest_ms: float


class SuspensionOut(Wire):
    """A hook that is left alone for a while."""

    hook: str
    since: str
    next_try: str
    faults: int
    last_fault: str


class PluginOut(Wire):
    """A plugin. One that is neither ready nor suspended is known by its metadata alone."""

    name: str
    distribution: str | None
    version: str | None
    api_range: str | None
    state: str
    reason: str
    notes: list[str]
    providers: list[str]
    features: list[str]
    import_ms: float | None
    settings: dict[str, JsonValue] = Field(description="Without secrets.")
    hooks: list[HookCalls]
    suspensions: list[SuspensionOut]
