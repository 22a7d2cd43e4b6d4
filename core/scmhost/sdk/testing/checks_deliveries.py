"""Checks of push webhooks, commits and commands."""

from collections.abc import Mapping
from functools import partial
from typing import Final

from hypothesis import strategies as st

from scmhost.sdk import ProviderError, ProviderForbidden, ResolvedRef

from .calls import HookResult
from .checks import Violation, check, duplicates
from .plugin_under_test import PluginUnderTest
from .samples import PushSample
from .strategies import bodies, branches, for_all, headers, shas

_PUSH: Final = ("scm_read_push",)


@check(
    "push-needs-secret",
    "A delivery that is not signed with the secret is rejected, also when the secret is empty.",
    help="raise ProviderForbidden unless check_signature or same_secret returns True; both refuse an empty secret",
    hooks=_PUSH,
)
def push_needs_secret(plugin: PluginUnderTest) -> None:
    def test(values: tuple[dict[str, str], bytes, str]) -> None:
        result = _deliver(plugin, *values)
        if result.value:
            raise Violation("the delivery is not signed", result.call)

    sample = plugin.samples.push
    if sample is not None:
        _check_forgeries(plugin, sample)
    events = headers if sample is None else headers | st.just({}) | st.just(_unsigned_headers(sample))
    body = bodies if sample is None else bodies | st.just(sample.body)
    for_all(st.tuples(events, body, st.text(max_size=8)), test, plugin.samples.examples)


@check(
    "push-malformed-body",
    "A signed delivery with any body gives pushes or a ProviderError.",
    help="validate the body with a pydantic model and turn its ValidationError into ProviderError",
    hooks=_PUSH,
)
def push_malformed_body(plugin: PluginUnderTest) -> None:
    sample = plugin.samples.push
    # Headers that were recorded cannot sign another body.
    if sample is None or not callable(sample.headers):
        return

    def test(body: bytes) -> None:
        result = _deliver(plugin, sample.signed(sample.secret, body), body, sample.secret)
        if isinstance(result.error, ProviderForbidden):
            raise Violation("the delivery is signed with the right secret", result.call)

    for_all(bodies, test, plugin.samples.examples)


@check(
    "push-sample-read",
    "The sample delivery is read as a push to a repository.",
    help="set push = PushSample(body=..., headers=...) to a real delivery of your host",
    hooks=_PUSH,
)
def push_sample_read(plugin: PluginUnderTest) -> None:
    sample = plugin.samples.push
    if sample is None:
        return
    result = _deliver(plugin, sample.signed(sample.secret, sample.body), sample.body, sample.secret)
    if not result.value:
        raise Violation("the delivery contains a push", result.call)


@check(
    "commits-once",
    "A list of commits has each commit once, and does not contain its base.",
    help="list the commits after base, newest first",
    hooks=("scm_compare_commits",),
)
def commits_once(plugin: PluginUnderTest) -> None:
    def test(values: tuple[str | None, str]) -> None:
        base, head = values
        result, _ = plugin.link("scm_compare_commits", base=base, head=head)
        listed = [commit.sha for commit in result.value or ()]
        extra = next(iter(duplicates(listed)), base if base in listed else None)
        if extra is not None:
            raise Violation(f"{extra} does not belong there", result.call)

    # Equal ends have no commits between them, and the base must not be listed.
    ends = st.tuples(st.none() | shas, shas | branches).filter(lambda values: values[0] != values[1])
    for_all(ends, test, plugin.samples.examples)


@check(
    "commit-resolves-exactly",
    "A full commit id resolves to that commit, or to nothing.",
    help="return None for an unknown commit; never the nearest one, never the default branch",
    hooks=("scm_resolve_ref",),
)
def commit_resolves_exactly(plugin: PluginUnderTest) -> None:
    def test(sha: str) -> None:
        result, _ = plugin.link("scm_resolve_ref", ref=sha)
        ref = result.value
        # Hosts may send an id in upper case.
        if isinstance(ref, ResolvedRef) and ref.kind == "commit" and ref.sha.lower() != sha:
            raise Violation("it is another commit", result.call)

    for_all(shas, test, plugin.samples.examples)


@check(
    "commands-run",
    "Each command has a unique name and a function to run.",
    help="return Command(name=..., summary=..., run=function)",
    hooks=("scm_register_commands",),
)
def commands_run(plugin: PluginUnderTest) -> None:
    result = plugin.call("scm_register_commands")
    for name, count in duplicates(command.name for command in result.value or ()).items():
        raise Violation(f"{name!r} is registered {count} times", result.call)
    for command in result.value or ():
        if not callable(command.run):
            raise Violation(f"{command.name!r} has no function to run", result.call)


CHECKS: Final = (
    push_needs_secret,
    push_malformed_body,
    push_sample_read,
    commits_once,
    commit_resolves_exactly,
    commands_run,
)


def _deliver(plugin: PluginUnderTest, sent: Mapping[str, str], body: bytes, secret: str) -> HookResult:
    here = {"installation": plugin.installation, "headers": dict(sent), "repositories": ()}
    return plugin.call("scm_read_push", **here, body=body, secret=secret)


def _check_forgeries(plugin: PluginUnderTest, sample: PushSample) -> None:
    """Deliver the sample under another secret, and another body under the sample's signature."""
    signed = sample.signed(sample.secret, sample.body)
    deliver = partial(_deliver, plugin, signed)
    for secret in (f"{sample.secret}x", ""):
        result = deliver(sample.body, secret)
        if not isinstance(result.error, ProviderForbidden):
            remedy = "raise ProviderForbidden" if isinstance(result.error, ProviderError) else "reject it"
            raise Violation(f"it was signed with another secret: {remedy}", result.call)
    tampered = deliver(sample.body.replace(b"a", b"b", 1), sample.secret)
    # Headers that do not depend on the body cannot protect it.
    if tampered.value and callable(sample.headers) and sample.signed(sample.secret, b"other") != signed:
        raise Violation("the body is not the signed one", tampered.call)


def _unsigned_headers(sample: PushSample) -> dict[str, str]:
    """Return the sample's headers without those that depend on the secret."""
    if not callable(sample.headers):
        return {}
    first, second = (sample.signed(secret, sample.body) for secret in ("one", "two"))
    return {name: value for name, value in first.items() if second.get(name) == value}
