"""The errors of the plugin host.

HostError
├── ConfigError       plugins.toml or the environment is wrong: fix the named line
├── BadPlugin         a plugin violates the contract: it is listed as broken and never called
│   └── Incompatible  it is written for another version of the contract: upgrade one side
├── PluginFault       a call failed because of the plugin: only this request fails
└── ProviderOff       a switch or a broken plugin turns the provider off for this organization
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

from scmhost.infra.errors import ScmhostError

FaultKind = Literal["raised", "timed_out", "bad_result", "busy", "exited", "suspended"]
RefusedState = Literal["broken", "incompatible"]


class HostError(ScmhostError):
    """Base of the errors that the plugin host raises on purpose."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake in the operator's configuration. ``line`` counts from 1."""

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
    """The configuration cannot be used. The text lists all problems; the attributes describe the first."""

    def __init__(self, *problems: Problem) -> None:
        super().__init__("\n".join(map(str, problems)))
        self.problems = problems
        first = problems[0]
        self.file, self.line, self.key = first.file, first.line, first.key
        self.problem, self.hint = first.problem, first.hint


class BadPlugin(HostError):
    """The plugin violates the contract. A retry does not help; its author or operator must act."""

    state: ClassVar[RefusedState] = "broken"

    def __init__(self, plugin: str, where: str, problems: Sequence[str]) -> None:
        listed = f" {problems[0]}" if len(problems) == 1 else "".join(f"\n- {problem}" for problem in problems)
        super().__init__(f"plugin {plugin!r} ({where}):{listed}")
        self.plugin = plugin
        self.problems = tuple(problems)


class Incompatible(BadPlugin):
    """The plugin is written for another version of the contract."""

    state = "incompatible"


@dataclass(frozen=True, slots=True)
class Origin:
    """The owner of code that runs: plugin, distribution, and hook or loading step."""

    plugin: str
    distribution: str
    hook: str


class PluginFault(HostError):
    """A plugin's code failed, hung, exited or returned a wrong value. The text names plugin, distribution and hook.

    Attributes:
        detail: the text without those names.
        retry_after: seconds until a retry makes sense, if the host can estimate it.
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
