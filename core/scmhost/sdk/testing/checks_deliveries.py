"""Checks of webhooks and their deliveries, of commits, and of commands."""

from collections.abc import Mapping
from functools import partial
from typing import Final

from hypothesis import strategies as st

from scmhost.sdk import ProviderError, ProviderForbidden, ProviderUnavailable, ResolvedRef

from .calls import HookResult
from .checks import NothingToCheck, Violation, check, duplicates
from .plugin_under_test import PluginUnderTest
from .samples import PushSample
from .strategies import bodies, branches, for_all, headers, shas

_PUSH: Final = ("scm_read_push",)
_NO_SAMPLE: Final = "there is no sample of a delivery; set push = PushSample(...), in TOML [push]"
_ROUTE: Final = ("scm_route_delivery",)
_REGISTER: Final = ("scm_register_webhook",)
_NO_COMMIT: Final = "scm_compare_commits listed no commit; set file = FileSample(ref=...) to a branch that has some"
_ADDRESS: Final = "https://scmhost.example.com/hooks/3/"
_SECRET: Final = "the secret of a webhook"  # noqa: S105 - of a sample


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
    if sample is None:
        raise NothingToCheck(_NO_SAMPLE)
    if not callable(sample.headers):
        raise NothingToCheck("recorded headers cannot sign another body; give PushSample a function for headers")

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
        raise NothingToCheck(_NO_SAMPLE)
    result = _deliver(plugin, sample.signed(sample.secret, sample.body), sample.body, sample.secret)
    if not result.value:
        raise Violation("the delivery contains a push", result.call)


@check(
    "push-repositories-known",
    "A push names a repository of the body, or one of the installation's repositories.",
    help="use the repository's URL, id or name in the body; repositories has those that the installation has claimed",
    hooks=_PUSH,
)
def push_repositories_known(plugin: PluginUnderTest) -> None:
    sample = plugin.samples.push
    if sample is None:
        return
    result = _deliver(plugin, sample.signed(sample.secret, sample.body), sample.body, sample.secret)
    own = (plugin.repository.name, plugin.repository.url, plugin.repository.external_id)
    known = [sample.body.decode("utf-8", "replace"), *filter(None, own)]
    for push in result.value or ():
        # The plugin may join the URL of the repository from the server's and the name in the body.
        name = push.repository.rstrip("/").rpartition("/")[2].removesuffix(".git")
        if not any(name in text for text in known):
            raise Violation(f"neither the body nor a repository has the name {push.repository!r}", result.call)


@check(
    "route-malformed-delivery",
    "A delivery to the common address with any headers and body gives a route, None or a ProviderError.",
    help="validate the body with a pydantic model and turn its ValidationError into ProviderError",
    hooks=_ROUTE,
)
def route_malformed_delivery(plugin: PluginUnderTest) -> None:
    def test(values: tuple[dict[str, str], bytes]) -> None:
        # A violation of the contract is raised by the call itself.
        _route(plugin, *values)

    sample = plugin.samples.push
    # The headers of a real delivery, so that the hook reads the body.
    events = headers if sample is None else headers | st.just(dict(sample.signed(sample.secret, sample.body)))
    for_all(st.tuples(events, bodies), test, plugin.samples.examples)


@check(
    "route-secret",
    "The secret of a route is that of the operator's settings: it is not blank, and no part of the delivery.",
    help="return the secret in your settings, and raise ProviderError if the operator has not set it",
    hooks=_ROUTE,
)
def route_secret(plugin: PluginUnderTest) -> None:
    sample = plugin.samples.push

    def test(values: tuple[dict[str, str], bytes]) -> None:
        result = _route(plugin, *values)
        secret = result.value.secret.get_secret_value() if result.value else None
        if secret is not None and not secret.strip():
            raise Violation("everybody can send a blank secret", result.call)
        sent = [value.strip() for value in values[0].values()]
        if secret is not None and (
            secret in sent or (len(secret) > 1 and secret.encode("utf-8", "replace") in values[1])
        ):
            raise Violation("the sender of a delivery chooses the secret", result.call)

    events = headers if sample is None else headers | st.just(dict(sample.signed(sample.secret, sample.body)))
    body = bodies if sample is None else bodies | st.just(sample.body)
    for_all(st.tuples(events, body), test, plugin.samples.examples)


@check(
    "route-signed",
    "A routed delivery is read if it is signed with the secret of its route, and rejected otherwise.",
    help="check the signature in scm_read_push with the argument secret, as for a delivery to an installation",
    hooks=(*_ROUTE, *_PUSH),
    together=True,
)
def route_signed(plugin: PluginUnderTest) -> None:
    sample = plugin.samples.push
    if sample is None or not callable(sample.headers):
        return
    route = _route(plugin, dict(sample.signed(sample.secret, sample.body)), sample.body).value
    if route is None:
        return
    secret = route.secret.get_secret_value()
    result = _deliver(plugin, sample.signed(secret, sample.body), sample.body, secret)
    if isinstance(result.error, ProviderForbidden):
        raise Violation("it is signed with the secret of its route", result.call)
    forged = _deliver(plugin, sample.signed(f"{secret}x", sample.body), sample.body, secret)
    if not isinstance(forged.error, ProviderForbidden):
        raise Violation("it is signed with another secret than that of its route", forged.call)


@check(
    "webhook-repeatable",
    "A webhook can be registered again, also with another secret.",
    help="look for a webhook with the address before you create one, and change or replace that",
    hooks=_REGISTER,
)
def webhook_repeatable(plugin: PluginUnderTest) -> None:
    _registered(plugin, "first")
    for result in [_register(plugin, secret) for secret in ("first", "second")]:
        if result.error is not None and not isinstance(result.error, ProviderUnavailable):
            raise Violation("the same webhook was registered before", result.call)


@check(
    "webhook-secret-hidden",
    "What a plugin keeps of a webhook has no secret.",
    help="keep ids and names in metadata; the host passes the secret again when it changes",
    hooks=_REGISTER,
)
def webhook_secret_hidden(plugin: PluginUnderTest) -> None:
    result = _registered(plugin, _SECRET)
    if _SECRET in repr(result.value):
        raise Violation("it contains the secret", result.call)


@check(
    "webhook-removed-twice",
    "Removing a webhook that is gone is no error.",
    help="treat the code host's 404 as success",
    hooks=(*_REGISTER, "scm_unregister_webhook"),
    together=True,
)
def webhook_removed_twice(plugin: PluginUnderTest) -> None:
    webhook = _registered(plugin, _SECRET).value
    for _ in range(2):
        result, _ = plugin.link("scm_unregister_webhook", webhook=webhook)
        if result.error is not None and not isinstance(result.error, ProviderUnavailable):
            raise Violation("it was registered, and may have been removed at the code host", result.call)


@check(
    "commits-once",
    "A list of commits has each commit once, and does not contain its base.",
    help="list the commits after base, newest first",
    hooks=("scm_compare_commits",),
)
def commits_once(plugin: PluginUnderTest) -> None:
    def test(values: tuple[str | None, str]) -> bool:
        base, head = values
        result, commits = plugin.commits(base, head)
        listed = [commit.sha for commit in commits]
        extra = next(iter(duplicates(listed)), base if base in listed else None)
        if extra is not None:
            raise Violation(f"{extra} does not belong there", result.call)
        return bool(listed)

    # Equal ends have no commits between them, and the base must not be listed.
    ends = st.tuples(st.none() | shas, shas | branches).filter(lambda values: values[0] != values[1])
    first = _ends_of_sample(plugin, plugin.samples.file.ref) if plugin.samples.file else ()
    for_all(ends, test, plugin.samples.examples, first, nothing=_NO_COMMIT)


@check(
    "commit-resolves-exactly",
    "A full commit id resolves to that commit, or to nothing.",
    help="return None for an unknown commit; never the nearest one, never the default branch",
    hooks=("scm_resolve_ref",),
)
def commit_resolves_exactly(plugin: PluginUnderTest) -> None:
    def test(sha: str) -> bool:
        result, _ = plugin.link("scm_resolve_ref", ref=sha)
        ref = result.value
        # Hosts may send an id in upper case.
        if isinstance(ref, ResolvedRef) and ref.kind == "commit" and ref.sha.lower() != sha:
            raise Violation("it is another commit", result.call)
        return result.error is None

    for_all(shas, test, plugin.samples.examples, nothing="scm_resolve_ref answered only with errors")


@check(
    "commands-run",
    "Each command has a unique name and a function to run.",
    help="return Command(name=..., summary=..., run=function)",
    hooks=("scm_register_commands",),
)
def commands_run(plugin: PluginUnderTest) -> None:
    result = plugin.call("scm_register_commands")
    if not result.value:
        raise NothingToCheck("the plugin registers no command")
    for name, count in duplicates(command.name for command in result.value or ()).items():
        raise Violation(f"{name!r} is registered {count} times", result.call)
    for command in result.value or ():
        if not callable(command.run):
            raise Violation(f"{command.name!r} has no function to run", result.call)


CHECKS: Final = (
    push_needs_secret,
    push_malformed_body,
    push_sample_read,
    push_repositories_known,
    route_malformed_delivery,
    route_secret,
    route_signed,
    webhook_repeatable,
    webhook_secret_hidden,
    webhook_removed_twice,
    commits_once,
    commit_resolves_exactly,
    commands_run,
)


def _route(plugin: PluginUnderTest, sent: Mapping[str, str], body: bytes) -> HookResult:
    return plugin.call("scm_route_delivery", headers=dict(sent), body=body)


def _ends_of_sample(plugin: PluginUnderTest, ref: str) -> list[tuple[str | None, str]]:
    """Return ends of comparisons up to a ref that exists: without a base, and from the oldest listed commit."""
    found = plugin.link("scm_resolve_ref", ref=ref)[0].value if plugin.has("scm_resolve_ref") else None
    head = found.sha if found else ref
    listed = [commit.sha for commit in plugin.commits(None, head)[1]]
    return [(None, head), *((base, head) for base in listed[-1:] if base != head)]


def _register(plugin: PluginUnderTest, secret: str) -> HookResult:
    result, _ = plugin.link("scm_register_webhook", address=_ADDRESS, secret=secret)
    return result


def _registered(plugin: PluginUnderTest, secret: str) -> HookResult:
    result = _register(plugin, secret)
    if result.error is not None:
        raise NothingToCheck(f"scm_register_webhook registered nothing: {result.error}")
    return result


def _deliver(plugin: PluginUnderTest, sent: Mapping[str, str], body: bytes, secret: str) -> HookResult:
    here = {"installation": plugin.installation, "headers": dict(sent), "repositories": (plugin.repository,)}
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
