"""The template language."""

from typing import Any

import pytest

from loading import case_id, load_cases
from scmhost.sdk import Template, TemplateError
from scmhost.sdk.urls.templates import MAX_TEMPLATE

REPO_URL = "https://h.example/r"


@pytest.mark.parametrize("case", load_cases("templates"), ids=case_id)
def test_each_value_is_escaped_by_its_position(case: dict[str, Any]) -> None:
    """Each value is escaped by its position."""
    assert case["url"] == Template.parse(case["template"]).render({"repo_url": REPO_URL, **case["values"]})


@pytest.mark.parametrize("case", load_cases("templates"), ids=case_id)
def test_binding_first_changes_nothing(case: dict[str, Any]) -> None:
    """Values may be filled in step by step."""
    bound = Template.parse(case["template"]).bind({"repo_url": REPO_URL})
    assert case["url"] == bound.render(case["values"])
    assert case["url"] == bound.bind(case["values"]).render({})


@pytest.mark.parametrize("case", load_cases("template_errors"), ids=case_id)
def test_invalid_templates_are_refused(case: dict[str, Any]) -> None:
    """The error contains the template, the problem and a hint."""
    with pytest.raises(TemplateError) as caught:
        Template.parse(case["template"])
    assert case["problem"] == caught.value.problem
    assert str(caught.value).startswith(f"template {case['template']!r}: {case['problem']}; ")


def test_long_templates_are_refused() -> None:
    """The error for a long template does not repeat it in full."""
    with pytest.raises(TemplateError, match="longer than") as caught:
        Template.parse("{repo_url}/" + "x" * MAX_TEMPLATE)
    assert len(str(caught.value)) < 120


def test_lists_its_tokens() -> None:
    """The tokens include those of optional parts."""
    assert Template.parse("{repo_url}/x[#{line}[-{end_line}]]").tokens == {"repo_url", "line", "end_line"}
