"""The errors of plugins, and the reasons of missing links."""

import subprocess
import sys

import pytest

from scmhost.sdk import (
    NEXT_STEP,
    NoUrl,
    ProviderError,
    ProviderForbidden,
    ProviderUnavailable,
    Reason,
    TemplateError,
    UrlError,
)


@pytest.mark.parametrize("kind", [ProviderForbidden, ProviderUnavailable])
def test_every_error_of_a_host_is_a_provider_error(kind: type[ProviderError]) -> None:
    """A caller may handle all of them at once; the text is kept for the user."""
    error = kind("The token has expired.")
    assert isinstance(error, ProviderError)
    assert str(error) == "The token has expired."


@pytest.mark.parametrize("kind", [TemplateError, UrlError])
def test_wrong_templates_and_urls_are_value_errors(kind: type[ValueError]) -> None:
    """Pydantic turns a ``ValueError`` into a finding about a field; an error of a host is no such finding."""
    assert issubclass(kind, ValueError)
    assert not issubclass(kind, ProviderError)
    assert not issubclass(ProviderError, ValueError)


def test_an_unavailable_host_is_not_forbidden() -> None:
    """Trying again later helps for one of them only."""
    assert not issubclass(ProviderUnavailable, ProviderForbidden)
    assert not issubclass(ProviderForbidden, ProviderUnavailable)


@pytest.mark.parametrize(
    ("hint", "text"),
    [("", "template '{x}': unknown token"), ("use {path}", "template '{x}': unknown token; use {path}")],
)
def test_a_template_error_has_its_parts(hint: str, text: str) -> None:
    """The message is made of template, problem and hint; the first two are also attributes."""
    error = TemplateError("{x}", "unknown token", hint)
    assert (str(error), error.template, error.problem) == (text, "{x}", "unknown token")


def test_a_template_error_shows_invisible_characters() -> None:
    """A control character in a template is escaped in the message, which may go to a log."""
    assert "\n" not in str(TemplateError("{x}\n", "unknown token"))


@pytest.mark.parametrize("reason", Reason)
def test_each_reason_has_a_next_step(reason: Reason) -> None:
    """A next step is a sentence that begins with what to do."""
    step = NEXT_STEP[reason]
    assert step.endswith(".")
    assert step[0].isupper()
    assert 20 <= len(step) <= 160


def test_next_steps_differ() -> None:
    """Two reasons with the same next step would be one reason."""
    assert len(set(NEXT_STEP.values())) == len(Reason) == len(NEXT_STEP)


def test_the_next_steps_cannot_be_changed() -> None:
    """A plugin cannot replace the text of another reason."""
    with pytest.raises(TypeError):
        NEXT_STEP[Reason.NO_REF] = "Wait."  # type: ignore[index]


def test_the_first_reasons_are_those_of_sentry() -> None:
    """Clients compare these texts."""
    assert [reason.value for reason in Reason][:6] == [
        "no_code_mappings_for_project",
        "stack_root_mismatch",
        "file_not_found",
        "integration_link_forbidden",
        "integration_not_found",
        "not_a_file",
    ]


def test_a_missing_url_accepts_the_texts_of_reasons() -> None:
    """A reason is stored as text, and an unknown text is refused."""
    assert NoUrl.model_validate({"reason": "no_ref"}).reason is Reason.NO_REF
    with pytest.raises(ValueError, match="reason"):
        NoUrl.model_validate({"reason": "bad luck"})


def test_reasons_need_no_pydantic() -> None:
    """``scmhost link`` loads the reasons at every start, where pydantic would take most of the time."""
    code = "import sys, scmhost.sdk.reasons, scmhost.sdk.urls.plain_links; sys.exit('pydantic' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
