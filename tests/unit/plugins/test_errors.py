"""The texts of the host's errors."""

from scmhost.infra.errors import ScmhostError
from scmhost.plugins import BadPlugin, ConfigError, HostError, ProviderOff
from scmhost.plugins.errors import Incompatible, Problem


def test_config_error_reads_like_a_compilers() -> None:
    """Each problem is one line with file, line, key, problem and hint."""
    first = Problem("plugins.toml", 12, "plugins.a.enabeld", "unknown key", "did you mean 'enabled'?")
    error = ConfigError(first, Problem("environment", None, "X", "odd"))
    assert str(error).splitlines() == [
        "plugins.toml:12: plugins.a.enabeld: unknown key; did you mean 'enabled'?",
        "environment: X: odd",
    ]
    assert (error.file, error.line, error.key, error.problem) == (
        "plugins.toml",
        12,
        "plugins.a.enabeld",
        "unknown key",
    )


def test_provider_off_has_the_reason() -> None:
    """The text has the provider and the reason."""
    error = ProviderOff("forge", "kill = true: off for everyone")
    assert str(error) == "provider 'forge' is off: kill = true: off for everyone"
    assert (error.provider, error.reason) == ("forge", "kill = true: off for everyone")


def test_bad_plugin_lists_its_problems() -> None:
    """One problem is part of the sentence, several are a list."""
    one = BadPlugin("forge", "acme 1.2", ["it is odd"])
    two = Incompatible("forge", "acme 1.2", ["it is odd", "it is even"])
    assert str(one) == "plugin 'forge' (acme 1.2): it is odd"
    assert str(two) == "plugin 'forge' (acme 1.2):\n- it is odd\n- it is even"
    assert (one.state, two.state) == ("broken", "incompatible")


def test_all_errors_have_one_base() -> None:
    """The base of scmhost's errors catches those of the plugin host."""
    assert issubclass(HostError, ScmhostError)
    assert {error.__base__ for error in (ConfigError, BadPlugin, ProviderOff)} == {HostError}
