"""The template language."""

from typing import Any

import pytest

from loading import case_id, load_cases
from scmhost.sdk import Template, TemplateError
from scmhost.sdk.urls.templates import MAX_TEMPLATE

REPO_URL = "https://h.example/r"


@pytest.mark.parametrize("case", load_cases("templates"), ids=case_id)
def test_renders(case: dict[str, Any]) -> None:
    """Each value is escaped for the place where it stands."""
    assert case["url"] == Template.parse(case["template"]).render({"repo_url": REPO_URL, **case["values"]})


@pytest.mark.parametrize("case", load_cases("templates"), ids=case_id)
def test_binding_first_changes_nothing(case: dict[str, Any]) -> None:
    """Values may be filled in one after the other."""
    bound = Template.parse(case["template"]).bind({"repo_url": REPO_URL})
    assert case["url"] == bound.render(case["values"])
    assert case["url"] == bound.bind(case["values"]).render({})


@pytest.mark.parametrize("case", load_cases("template_errors"), ids=case_id)
def test_says_what_is_wrong(case: dict[str, Any]) -> None:
    """A template that cannot be used is refused with its text, the fault and what to write."""
    with pytest.raises(TemplateError) as caught:
        Template.parse(case["template"])
    assert case["problem"] == caught.value.problem
    assert str(caught.value).startswith(f"template {case['template']!r}: {case['problem']}; ")


def test_long_templates_are_refused() -> None:
    """A template over the limit is refused without repeating it whole."""
    with pytest.raises(TemplateError, match="longer than") as caught:
        Template.parse("{repo_url}/" + "x" * MAX_TEMPLATE)
    assert len(str(caught.value)) < 120


def test_lists_its_tokens() -> None:
    """Whoever checks a template sees all of its tokens, those of optional parts too."""
    assert Template.parse("{repo_url}/x[#{line}[-{end_line}]]").tokens == {"repo_url", "line", "end_line"}
