"""What the host raises on purpose.

HostError
├── ConfigError       plugins.toml or the environment is wrong: mend the named line
├── BadPlugin         a plugin breaks the contract: it is listed as broken and never called
│   └── Incompatible  it is written for another version of the contract: upgrade one side
├── PluginFault       a call went wrong, by the plugin's doing: it hurts this request only
└── ProviderOff       an operator's switch, or a broken plugin, says no for this organization
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

from scmhost.infra.errors import ScmhostError

FaultKind = Literal["raised", "timed_out", "bad_result", "busy", "exited", "suspended"]
Ill = Literal["broken", "incompatible"]


class HostError(ScmhostError):
    """Base of everything that the host raises on purpose."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong in the operator's configuration. ``line`` counts from 1."""

    file: str
    line: int | None
    key: str
    problem: str
    hint: str = ""

    def __str__(self) -> str:
        place = self.file if self.line is None else f"{self.file}:{self.line}"
        subject = f"{self.key}: " if self.key else ""
        return f"{place}: {subject}{self.problem}" + (f"; {self.hint}" if self.hint else "")


class ConfigError(HostError):
    """The configuration cannot be used. All problems are told at once; the attributes are those of the first."""

    def __init__(self, *problems: Problem) -> None:
        super().__init__("\n".join(map(str, problems)))
        self.problems = problems
        first = problems[0]
        self.file, self.line, self.key = first.file, first.line, first.key
        self.problem, self.hint = first.problem, first.hint


class BadPlugin(HostError):
    """The plugin breaks its contract. Retrying will not help; its author or its operator must act."""

    state: ClassVar[Ill] = "broken"

    def __init__(self, plugin: str, where: str, problems: Sequence[str]) -> None:
        told = f" {problems[0]}" if len(problems) == 1 else "".join(f"\n- {problem}" for problem in problems)
        super().__init__(f"plugin {plugin!r} ({where}):{told}")
        self.plugin = plugin
        self.problems = tuple(problems)


class Incompatible(BadPlugin):
    """The plugin is written for another version of the contract."""

    state = "incompatible"


@dataclass(frozen=True, slots=True)
class Origin:
    """Whose code runs: the plugin, the distribution that brought it, and the hook or step."""

    plugin: str
    distribution: str
    hook: str


class PluginFault(HostError):
    """A plugin's code failed, hung, ended or gave rubbish. The text names plugin, distribution and hook.

    ``detail`` is the text without those names. ``retry_after`` is in seconds, where the host knows when it may work.
    """

    def __init__(self, origin: Origin, kind: FaultKind, detail: str, retry_after: int | None = None) -> None:
        super().__init__(f"plugin {origin.plugin!r} ({origin.distribution}), {origin.hook}: {detail}")
        self.plugin, self.distribution, self.hook = origin.plugin, origin.distribution, origin.hook
        self.kind, self.detail = kind, detail
        self.retry_after = retry_after


class ProviderOff(HostError):
    """The provider is not on for this organization."""

    def __init__(self, provider: str, reason: str) -> None:
        super().__init__(f"provider {provider!r} is off: {reason}")
        self.provider = provider
        self.reason = reason
