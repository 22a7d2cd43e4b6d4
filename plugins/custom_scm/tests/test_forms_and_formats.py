"""The forms of Custom SCM, and the parts that all push formats share."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from urllib.parse import quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from scmhost.sdk import ProviderError, ProviderForbidden, preset, preset_kinds
from scmhost_custom_scm.forms import InstallForm, UrlForm
from scmhost_custom_scm.push import FORMATS, read_push
from scmhost_custom_scm.push.bitbucket import BitbucketCloudPush, BitbucketDataCenterPush
from scmhost_custom_scm.push.commit_lists import GiteaPush, GitHubPush, GitLabPush
from scmhost_custom_scm.push.formats import file_changes, in_utc, parse_body
from scmhost_custom_scm.push.plain import PlainPush

MODELS = (BitbucketCloudPush, BitbucketDataCenterPush, GiteaPush, GitHubPush, GitLabPush, PlainPush)


@pytest.mark.parametrize("kind", preset_kinds())
def test_each_preset_is_a_form(kind: str) -> None:
    """Without other fields the pages are those of the preset."""
    assert UrlForm(preset=kind).pages() == preset(kind).pages


@pytest.mark.parametrize(
    ("template", "anchor"),
    [
        ("{repo_url}?p={path}&r={ref}", "#L{line}"),
        ("{repo_url}/x/{ref}/{path}", "?l={line}"),
        ("{repo_url}/{path}", "${line}"),
        ("{base_url}/f/{path}", None),
    ],
)
@pytest.mark.parametrize("kind", ["github", "fossil", "p4web", "cgit", "azure_devops"])
def test_an_accepted_form_has_pages(kind: str, template: str, anchor: str | None) -> None:
    """A form is refused when it is filled in, and never later, when links are built from it."""
    try:
        form = UrlForm(preset=kind, template=template, anchor=anchor)
    except ValidationError:
        return
    assert form.pages().view == template


def test_a_template_that_is_wrong_with_its_preset_is_refused() -> None:
    """Fossil serves one repository at its root: a query directly after its host has no path."""
    assert UrlForm(preset="github", template="{repo_url}?p={path}").pages().view == "{repo_url}?p={path}"
    with pytest.raises(ValidationError) as caught:
        UrlForm(preset="fossil", template="{repo_url}?p={path}")
    assert caught.value.errors()[0]["loc"] == ("template",)


def test_only_the_wrong_preset_is_reported() -> None:
    """Templates are checked alone if the preset is wrong."""
    with pytest.raises(ValidationError) as caught:
        UrlForm(preset="githup", template="{repo_url}/{path}")
    assert [item["loc"] for item in caught.value.errors()] == [("preset",)]
    assert "choose one of allura, " in caught.value.errors()[0]["msg"]


@pytest.mark.parametrize("anchor", ["", "#L{line}", "#{line}[-{end_line}]"])
def test_an_anchor_may_be_empty(anchor: str) -> None:
    """An empty anchor removes the preset's."""
    pages = UrlForm(preset="github", anchor=anchor).pages()
    assert (pages.anchor, pages.view) == (anchor, preset("github").pages.view)


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"name": "x" * 201}, "name"),
        ({"name": "\ud800"}, "name"),
        ({"url": ""}, "url"),
        ({"url": "git.example.com"}, "url"),
        ({"url": "https://git.example.com/#x"}, "url"),
        ({"url": "https://git.example.com/\u202e"}, "url"),
        ({"anchor": "#" + "x" * 200}, "anchor"),
        ({"template": "{repo_url}/{path}".ljust(2_001, "x")}, "template"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_fields_have_limits(fields: dict[str, str], field: str) -> None:
    """A field that is too long, unsafe or unknown is named."""
    with pytest.raises(ValidationError) as caught:
        InstallForm.model_validate({"name": "team", "url": "https://git.example.com", **fields})
    assert {item["loc"] for item in caught.value.errors()} == {(field,)}


def test_blanks_around_texts_are_removed() -> None:
    """A form may be filled in with copied text."""
    form = InstallForm(name=" team ", url=" https://git.example.com/ ", template=" {repo_url}/{path} ")
    assert (form.name, form.url, form.template) == ("team", "https://git.example.com", "{repo_url}/{path}")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-01-02T03:04:05", datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)),
        ("2026-01-02T03:04:05+02:00", datetime(2026, 1, 2, 1, 4, 5, tzinfo=UTC)),
        ("2026-01-02T03:04:05-05:45", datetime(2026, 1, 2, 8, 49, 5, tzinfo=UTC)),
    ],
)
def test_times_are_in_utc(text: str, expected: datetime) -> None:
    """A time without an offset is UTC already."""
    assert in_utc(datetime.fromisoformat(text)) == expected


@pytest.mark.parametrize("text", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"])
def test_times_out_of_range_are_refused(text: str) -> None:
    """At both ends of the calendar an offset may lead out of it."""
    with pytest.raises(ValueError, match="out of range in UTC"):
        in_utc(datetime.fromisoformat(text))


def test_a_path_is_changed_once() -> None:
    """The first change of a path counts."""
    changes = file_changes([("a", "D"), ("b", "M"), ("a", "A")])
    assert [(change.path, change.type) for change in changes] == [("a", "D"), ("b", "M")]


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
@pytest.mark.parametrize(
    "body", [b"", b"null", b"[]", b"1", b'"x"', b"\xff", b"{", b"[" * 9_000, b"payload=", b"payload=%"]
)
def test_a_body_that_is_no_object_is_refused(model: type[PlainPush], body: bytes) -> None:
    """Truncated, empty and foreign bodies have a short error without their content."""
    with pytest.raises(ProviderError, match=r"^The body of the push cannot be read: body: ") as caught:
        parse_body(model, body)
    assert len(str(caught.value)) < 300


@given(st.integers(1, 90))
def test_a_truncated_body_is_refused(length: int) -> None:
    """A body that ends too early never gives a part of the commits."""
    body = b'{"repository": "team/app", "ref": "main", "commits": [{"id": "c0ffee", "message": "A change"}]}'
    assert len(list(parse_body(PlainPush, body).pushes())) == 1
    with pytest.raises(ProviderError):
        parse_body(PlainPush, body[:length])


@given(st.text(max_size=30))
def test_a_form_encoded_body_is_decoded(message: str) -> None:
    """Some hosts send the JSON in a field of a form."""
    body = json.dumps({"repository": "a", "commits": [{"id": "1", "message": message.replace("\0", "")}]})
    assert parse_body(PlainPush, f"payload={quote_plus(body)}".encode()) == parse_body(PlainPush, body.encode())


def test_at_most_five_wrong_fields_are_named() -> None:
    """The message stays short for a body in which everything is wrong."""
    with pytest.raises(ProviderError) as caught:
        parse_body(PlainPush, b'{"repository": 1, "ref": 2, "commits": [{"id": 3}]}')
    text = str(caught.value)
    assert "repository: " in text
    assert "ref: " in text
    assert text.count("; ") <= 4


@pytest.mark.parametrize(
    ("kind", "expected"), [("A", "A"), ("M", "M"), ("D", "D"), ("R", "M"), ("", "M"), (None, "M"), (3, "M"), ([], "M")]
)
def test_an_unknown_kind_of_change_is_a_modification(kind: object, expected: str) -> None:
    """The plain format is as lenient as the HTTP API."""
    commit = {"id": "1", "patch_set": [{"path": "a", "type": kind}]}
    push = next(iter(parse_body(PlainPush, json.dumps({"repository": "a", "commits": [commit]}).encode()).pushes()))
    assert push.commits[0].changes[0].type == expected


def test_each_format_has_marks_in_lower_case() -> None:
    """Header names are lower case, and the format without events comes last."""
    assert all(mark == mark.lower() for known in FORMATS for mark in (*known.marks, *known.events))
    assert [known.events == () for known in FORMATS] == [False] * (len(FORMATS) - 1) + [True]


@pytest.mark.parametrize("headers", [{}, {"x-unknown": "push"}, {"X-GitHub-Event": "push"}])
def test_a_request_without_a_mark_is_refused(headers: Mapping[str, str]) -> None:
    """The message names the header of the plain format."""
    with pytest.raises(ProviderForbidden, match="send X-Scmhost-Signature"):
        read_push(headers, b"{}", "secret")
