"""Hook specifications, the validation of results, and the texts about them."""

import inspect
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pluggy
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, SecretStr, ValidationError

from scmhost.sdk import (
    HOOK_PREFIX,
    HOOK_SPECS,
    PROJECT_NAME,
    BlamedLine,
    Claim,
    Command,
    CommitDraft,
    CommitPage,
    Create,
    DeliveryRoute,
    Existence,
    Feature,
    InstallationDraft,
    Location,
    LocationCandidate,
    NoUrl,
    Offer,
    OfferPage,
    Pages,
    Provider,
    Push,
    Reason,
    RedirectTo,
    RefreshedCredentials,
    Refusal,
    RegisteredWebhook,
    RepositoryUpdate,
    ResolvedRef,
    UrlTemplates,
    hook_specs,
    hookimpl,
    hooks,
)
from scmhost.sdk.hook_specs import specify
from scmhost.sdk.validation import ARGUMENTS, definition, describe_mismatch, result_adapter, result_text

SHA = "0123456789abcdef0123456789abcdef01234567"
LOCATION = Location(ref="main", ref_kind="branch", path="a.py")
TEMPLATES = UrlTemplates(pages=Pages(view="{repo_url}/{ref}/{path}"), repo_url="https://git.example/team/app")

# Valid results, by hook.
RESULTS: dict[str, list[object]] = {
    "scm_register_providers": [(Provider(key="a", name="A"),), []],
    "scm_install": [InstallationDraft(name="n", external_id="1")],
    "scm_begin_install": [
        RedirectTo(url="https://git.example/authorize?state=s"),
        InstallationDraft(name="n", external_id="1"),
    ],
    "scm_finish_install": [InstallationDraft(name="n", external_id="1")],
    "scm_upgrade_configuration": [{}, {"url": None, "tags": ["a"]}],
    "scm_uninstall": [None],
    "scm_offer_repositories": [
        [Offer(identifier="1", name="a")],
        (),
        OfferPage(offers=(Offer(identifier="1", name="a"),), next="2"),
    ],
    "scm_sync_repositories": [[], [RepositoryUpdate(repository_id=1, name="new", state="archived")]],
    "scm_dispatch_repository": [
        Claim(),
        Create(name="a", external_id="1"),
        Refusal(reason="invalid", message="No."),
    ],
    "scm_serialize_repository": [{}, {"url": None, "tags": ["a"]}],
    "scm_source_url": ["https://git.example/a", NoUrl(reason=Reason.NO_REF)],
    "scm_url_templates": [None, TEMPLATES],
    "scm_read_source_url": [[], [LocationCandidate(repository_id=1, location=LOCATION)]],
    "scm_commit_url": ["https://git.example/a", NoUrl()],
    "scm_compare_url": ["https://git.example/a", NoUrl()],
    "scm_file_exists": [Existence.YES, Existence.UNKNOWN],
    "scm_resolve_ref": [None, ResolvedRef(name="main", kind="branch", sha=SHA)],
    "scm_compare_commits": [[], [CommitDraft(sha=SHA)], CommitPage(commits=(CommitDraft(sha=SHA),), unlisted=1)],
    "scm_read_file": [None, b"", b"print()\n"],
    "scm_blame_lines": [[], [BlamedLine(line=1, sha=SHA)]],
    "scm_register_webhook": [RegisteredWebhook(external_id="1")],
    "scm_unregister_webhook": [None],
    "scm_route_delivery": [None, DeliveryRoute(external_id="1", secret=SecretStr("s"))],
    "scm_read_push": [[], [Push(repository="a", commits=(CommitDraft(sha=SHA),))]],
    "scm_refresh_credentials": [None, RefreshedCredentials(secrets={"token": SecretStr("t")})],
    "scm_installation_saved": [None],
    "scm_repository_saved": [None],
    "scm_commits_saved": [None],
    "scm_startup": [None],
    "scm_shutdown": [None],
    "scm_register_commands": [[], [Command(name="hello", summary="Greet.", run=print)]],
}
each_hook = pytest.mark.parametrize("hook", HOOK_SPECS)


def test_every_hook_has_sample_results() -> None:
    """No hook is left out of these tests."""
    assert set(RESULTS) == set(HOOK_SPECS)


@each_hook
def test_valid_results_are_accepted(hook: str) -> None:
    """The value that a hook returns is validated without a change."""
    for result in RESULTS[hook]:
        validated = result_adapter(hook).validate_python(result)
        expected = list(result) if isinstance(result, tuple) and hook != "scm_install" else result
        assert (list(validated) if isinstance(validated, tuple) else validated) == expected


@each_hook
@pytest.mark.parametrize("result", [3, object(), [object()], {1: object()}])
def test_other_types_are_refused(hook: str, result: object) -> None:
    """A result of a wrong type never reaches the database or an answer."""
    with pytest.raises(ValidationError):
        result_adapter(hook).validate_python(result)


@each_hook
@pytest.mark.parametrize("result", [{}, {"reason": "no_ref"}, {"kind": "claim"}])
def test_a_dict_is_no_value_of_the_contract(hook: str, result: dict[str, str]) -> None:
    """An empty dict does not pass as a ``NoUrl`` whose fields are all defaults; a payload is a dict."""
    if hook in ("scm_serialize_repository", "scm_upgrade_configuration"):
        assert result_adapter(hook).validate_python(result) == result
        return
    with pytest.raises(ValidationError):
        result_adapter(hook).validate_python(result)


def test_a_result_made_without_validation_is_refused() -> None:
    """``model_construct`` and ``model_copy`` skip validation; the host does not."""
    for value in (
        InstallationDraft.model_construct(name="", external_id="1"),
        InstallationDraft(name="n", external_id="1").model_copy(update={"name": "x" * 201}),
    ):
        with pytest.raises(ValidationError):
            result_adapter("scm_install").validate_python(value)


def test_the_adapter_is_made_once() -> None:
    """Making a validator takes milliseconds, which must not be spent for each call."""
    assert result_adapter("scm_install") is result_adapter("scm_install")


@pytest.mark.parametrize(
    ("hook", "text"),
    [
        ("scm_dispatch_repository", "Claim | Create | Refusal"),
        ("scm_source_url", "str | NoUrl"),
        ("scm_url_templates", "UrlTemplates | None"),
        ("scm_install", "InstallationDraft"),
        ("scm_read_push", "Push"),
        ("scm_startup", "None"),
    ],
)
def test_result_texts_are_those_of_authors(hook: str, text: str) -> None:
    """The type of a result is written without module names."""
    assert text in result_text(hook)
    assert "scmhost." not in result_text(hook)
    assert "collections." not in result_text(hook)


@each_hook
def test_definitions_can_be_copied(hook: str) -> None:
    """The ``def`` line has all arguments with their types, in the order of the hook."""
    line = definition(hook)
    assert line.startswith(f"def {hook}(")
    assert line.endswith(f" -> {result_text(hook)}")
    compile(f"{line}: ...", hook, "exec", dont_inherit=True)
    positions = [line.index(f"{name}: ") for name in ARGUMENTS[hook]]
    assert positions == sorted(positions)


@each_hook
def test_arguments_are_those_of_the_specification(hook: str) -> None:
    """The names of arguments are part of the contract: pluggy passes them by name."""
    assert ARGUMENTS[hook] == tuple(inspect.signature(getattr(hooks, hook)).parameters)


def mismatch(hook: str, result: object) -> str:
    """Return the description of an invalid result."""
    with pytest.raises(ValidationError) as caught:
        result_adapter(hook).validate_python(result)
    return describe_mismatch(result_text(hook), result, caught.value)


def test_a_mismatch_names_both_types() -> None:
    """The message has the type that is expected and the type of the result."""
    text = mismatch("scm_install", "installed")
    assert text == "returned 'str' where InstallationDraft is expected"


def test_a_mismatch_names_the_first_wrong_field() -> None:
    """A field of an item is given by its position and its name."""
    text = mismatch("scm_compare_commits", [CommitDraft(sha=SHA), CommitDraft.model_construct(sha="")])
    assert "returned 'list' where Sequence[CommitDraft] | CommitPage is expected" in text
    assert "(at 1.sha: String should have at least 1 character)" in text


@given(st.text(min_size=8, max_size=20, alphabet="stuvwxyz"))
def test_a_mismatch_contains_no_values(secret: str) -> None:
    """The text of a plugin may be a password: no value is repeated."""
    draft = InstallationDraft.model_construct(name=secret * 40, external_id=secret * 20)
    assert secret not in mismatch("scm_install", draft)
    assert secret not in mismatch("scm_install", {secret: secret})
    assert secret not in mismatch("scm_compare_commits", [CommitDraft.model_construct(sha=f"{secret} {secret}")])


def test_specifying_a_hook_registers_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """The decorator keeps the function, and records kind, audience and budget under its name."""
    specs: dict[str, hook_specs.HookSpec] = {}
    monkeypatch.setattr(hook_specs, "HOOK_SPECS", specs)

    def scm_sample(sha: str) -> None:
        """A sample."""

    assert specify("io", "listeners", budget=2.5)(scm_sample) is scm_sample
    assert specs == {"scm_sample": hook_specs.HookSpec("scm_sample", "io", "listeners", 2.5)}
    assert specs["scm_sample"].colour == "io"


@each_hook
def test_specifications_are_usable(hook: str) -> None:
    """A hook has a positive budget, and only I/O hooks may take longer than two seconds."""
    spec = HOOK_SPECS[hook]
    assert (spec.name, hook.startswith(HOOK_PREFIX)) == (hook, True)
    assert 0 < spec.budget <= (2 if spec.kind == "pure" else 30)


def test_pluggy_calls_implementations_by_argument_name() -> None:
    """An implementation names only the arguments that it needs."""

    class Plugin:
        @hookimpl
        def scm_commit_url(self, sha: str) -> str:
            return f"https://git.example/{sha}"

    manager = pluggy.PluginManager(PROJECT_NAME)
    manager.add_hookspecs(hooks)
    manager.register(Plugin())
    manager.check_pending()
    urls = manager.hook.scm_commit_url(installation=None, repository=None, sha="c0ffee")
    assert urls == ["https://git.example/c0ffee"]


def test_pluggy_refuses_an_unknown_argument() -> None:
    """A misspelled argument is found when the plugin is registered, not at the first call."""

    class Plugin:
        @hookimpl
        def scm_commit_url(self, commit: str) -> str:
            return commit

    manager = pluggy.PluginManager(PROJECT_NAME)
    manager.add_hookspecs(hooks)
    with pytest.raises(pluggy.PluginValidationError, match="commit"):
        manager.register(Plugin())


def test_pure_hooks_get_no_settings_but_for_deliveries() -> None:
    """A pure hook does not depend on the operator's settings, so that its results can be cached.

    Results about deliveries are never cached.
    """
    of_providers = {hook: names for hook, names in ARGUMENTS.items() if HOOK_SPECS[hook].audience == "provider"}
    with_settings = {hook for hook, names in of_providers.items() if "settings" in names}
    pure = {hook for hook in with_settings if HOOK_SPECS[hook].kind == "pure"}
    assert pure == {"scm_route_delivery", "scm_read_push"}


def test_the_payload_of_a_repository_is_any_mapping() -> None:
    """The payload may be a plain dict, also with values that are checked later."""
    payload: Mapping[str, Any] = {"dateCreated": datetime(2026, 1, 2, tzinfo=UTC).isoformat(), "extra": [1, None]}
    assert result_adapter("scm_serialize_repository").validate_python(payload) == payload


def test_the_form_of_a_provider_is_a_model() -> None:
    """A provider without a form has an empty model, which refuses every field."""
    form = Provider(key="a", name="A", features=frozenset({Feature.COMMITS})).install_form
    assert issubclass(form, BaseModel)
    with pytest.raises(ValidationError):
        form.model_validate({"name": "x"})
