"""What the host's errors say."""

from scmhost.infra.errors import ScmhostError
from scmhost.plugins import BadPlugin, ConfigError, HostError, ProviderOff
from scmhost.plugins.errors import Incompatible, Problem


def test_config_error_reads_like_a_compilers() -> None:
    """File, line, key, fault and remedy stand in one line, and all faults are told."""
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


def test_provider_off_says_why() -> None:
    """Who meets a switch learns the provider and the reason."""
    error = ProviderOff("forge", "kill = true: off for everyone")
    assert str(error) == "provider 'forge' is off: kill = true: off for everyone"
    assert (error.provider, error.reason) == ("forge", "kill = true: off for everyone")


def test_bad_plugin_lists_its_problems() -> None:
    """One problem stands in the sentence, several in a list."""
    one = BadPlugin("forge", "acme 1.2", ["it is odd"])
    two = Incompatible("forge", "acme 1.2", ["it is odd", "it is even"])
    assert str(one) == "plugin 'forge' (acme 1.2): it is odd"
    assert str(two) == "plugin 'forge' (acme 1.2):\n- it is odd\n- it is even"
    assert (one.state, two.state) == ("broken", "incompatible")


def test_family_is_one() -> None:
    """Whoever catches the base of scmhost's errors catches the host's."""
    assert issubclass(HostError, ScmhostError)
    assert {error.__base__ for error in (ConfigError, BadPlugin, ProviderOff)} == {HostError}
