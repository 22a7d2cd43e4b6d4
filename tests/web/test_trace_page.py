"""Paste a trace: links, guesses, reasons, next steps, and what was tried."""

from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from api import ApiClient
from browsing import Browser, fields_of, signed_in, text_of
from shown_pages import TRACE, open_sample

PAGE = "/organizations/acme/projects/web"


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiClient]:
    """A service with commits and code mappings."""
    with open_sample(tmp_path_factory.mktemp("trace")) as api:
        yield api


@pytest.fixture(scope="module")
def reader(sample: ApiClient) -> Browser:
    """The browser of a member, who may paste traces too."""
    return signed_in(sample, "Eve", "member")


def paste(browser: Browser, text: str, **fields: str) -> None:
    """Paste a text into the page."""
    browser.open(PAGE)
    browser.submit("Find the source", text=text, **fields)


def test_frames_have_links_or_reasons(reader: Browser) -> None:
    """Each frame has its link or the reason and the next step; a link that nobody configured is marked."""
    paste(reader, TRACE)
    assert reader.status == 200
    assert reader.first("h1").text() == "4 of 6 frames have a link"
    links = [link.attributes["href"] for link in reader.page.css(".frames .place a")]
    base = "https://git.acme.example/team/shop/src/branch/main"
    assert links[:3] == [
        f"{base}/shop/__main__.py#L14",
        f"{base}/shop/checkout/payment.py#L87",
        f"{base}/shop/cart.py#L41",
    ]
    rows = [" ".join(row.text(separator=" ").split()) for row in reader.page.css(".frames > li")]
    assert "no link" in rows[3]
    assert "Add a code mapping whose stack root is the start of this frame's path." in rows[3]
    assert "derived" in rows[4]
    assert "derived" not in rows[0]


def test_what_was_tried_is_shown(reader: Browser) -> None:
    """A frame without a link lists the code mappings and why each does not match."""
    paste(reader, TRACE)
    text = text_of(reader.page.css(".frames > li")[3].css_first("details"), " ")
    assert "/srv/shop/" in text
    assert "the path does not begin with the stack root" in text


def test_only_administrators_are_offered_to_add_a_mapping(sample: ApiClient, reader: Browser) -> None:
    """An administrator goes from a reason to the form with the frame filled in."""
    paste(reader, TRACE)
    assert "Add a code mapping for this path" not in reader.text
    admin = signed_in(sample, "Grace")
    paste(admin, TRACE)
    admin.click("Add a code mapping for this path")
    assert admin.first("#path").attributes["value"] == "/usr/lib/python3.12/decimal.py"


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"text": "  \n"}, "Paste a stack trace"),
        ({"text": "x", "commit": "not a ref"}, "may not hold"),
        ({"text": "x", "release": "r" * 5_000}, "too long"),
    ],
)
def test_wrong_input_is_explained_at_the_field(reader: Browser, fields: dict[str, str], message: str) -> None:
    """A wrong field is answered with 400, and a sentence at the form."""
    paste(reader, **fields)
    assert reader.status == 400
    assert message in reader.first(".wrong").text()


def test_unknown_release_is_a_note(reader: Browser) -> None:
    """The links lead to the next ref, and the page says so."""
    paste(reader, TRACE, release="no-such-release")
    assert reader.status == 200
    assert "has no release 'no-such-release'" in reader.first(".note").text()


def test_long_text_fits_into_a_page(reader: Browser) -> None:
    """Of a text with thousands of long frames the page shows the first ones, and says so."""
    lines = "".join(f'  File "/srv/shop/{"deep/" * 50}{number}.py", line 3, in f{number}\n' for number in range(3_000))
    paste(reader, lines)
    assert reader.status == 200
    assert 5 <= len(reader.page.css(".frames > li")) < 200
    assert "too long to be repeated here" in reader.text
    assert "Only the first" in reader.text


def test_text_is_not_stored(sample: ApiClient, reader: Browser) -> None:
    """Neither the text nor its frames reach the database."""
    paste(reader, TRACE.replace("legacy", "never-stored-anywhere"))
    file = sample.services.store.file
    assert file
    content = b"".join(path.read_bytes() for path in file.parent.glob(f"{file.name}*"))
    assert b"team/shop" in content
    assert b"never-stored-anywhere" not in content


# Letters that mean something in HTML, in the notation of a frame, or in a URL.
HOSTILE = st.text(st.sampled_from("<>&\"'`=/\\ abc.py:;{}%#\u202e\u00a0\x0b"), max_size=40)


@settings(max_examples=40)
@given(function=HOSTILE, path=HOSTILE)
def test_no_text_becomes_markup(reader: Browser, function: str, path: str) -> None:
    """Any trace is text on the page: it makes no element and no attribute."""
    paste(reader, f'<script>alert(1)</script>\n  File "/srv/shop/{path}.py", line 3, in {function}\n')
    assert reader.status == 200
    tags = {node.tag for node in reader.page.css("main *")}
    assert tags.isdisjoint({"script", "img", "iframe", "svg", "style", "object", "embed", "base", "link", "meta"})
    for node in reader.page.css("main *"):
        assert not any(name.startswith("on") for name in node.attributes)
    for link in reader.page.css("main a"):
        assert (link.attributes["href"] or "").startswith(("https://git.acme.example/", "/"))


def test_trace_is_shared_by_its_address(sample: ApiClient, reader: Browser) -> None:
    """Others of the organization see it with its links; who shares it, or an administrator, deletes it."""
    reader.open(PAGE)
    reader.submit("Share", do="share", text=TRACE)
    address = text_of(reader.first(".message pre"))
    assert address == f"http://testserver{reader.path}"
    assert reader.first("h1").text() == "4 of 6 frames have a link"
    other = signed_in(sample, "Bob", "member")
    other.open(reader.path)
    assert (other.status, "Eve shares this trace" in other.text) == (200, True)
    assert "Delete it now" not in other.text
    other.post(f"{reader.path}/delete", fields_of(other.form("Sign out")))
    assert other.status == 403
    other.open(f"{PAGE}/traces")
    assert "Eve" in text_of(other.first("tbody tr"), " ")
    other.click(text_of(other.first("tbody a")))
    reader.submit("Delete it now")
    assert "Nobody shares a trace" in reader.text
    other.open(address.removeprefix("http://testserver"))
    assert other.status == 404


def test_trace_that_cannot_be_shared_is_kept_in_the_form(reader: Browser) -> None:
    """A text that is too long is refused, with the reason beside it."""
    reader.open(PAGE)
    reader.submit("Share", do="share", text="x" * 200_001)
    assert reader.status == 400
    assert "1 to 200,000 characters" in text_of(reader.first("#wrong-text"))


def test_suspects_and_owners_come_on_request(reader: Browser) -> None:
    """With the box checked the page has the commits that touch the trace, with evidence, and the owners of files."""
    paste(reader, TRACE)
    assert "Suspect commits" not in [heading.text() for heading in reader.page.css("h2")]
    assert "Owners" not in text_of(reader.page.css(".frames > li")[0], " ")
    paste(reader, TRACE, people="on")
    assert reader.status == 200
    assert "Suspect commits" in [heading.text() for heading in reader.page.css("h2")]
    assert "Owners are not known: " in text_of(reader.page.css(".frames > li")[0], " ")
    first = text_of(reader.page.css(".frames")[1].css("li")[0], " ")
    assert "medium Mend it" in first
    assert "added cart.py, payment.py, __main__.py" in first


def test_shared_trace_has_suspects_and_owners_on_request(sample: ApiClient, reader: Browser) -> None:
    """The choice is part of the address: that of a trace shared with the box checked, and after the button."""
    reader.open(PAGE)
    reader.submit("Share", do="share", text=TRACE, people="on")
    assert reader.path.endswith("?people=on")
    assert "Suspect commits" in [heading.text() for heading in reader.page.css("h2")]
    other = signed_in(sample, "Kim", "member")
    other.open(text_of(reader.first(".message pre")).removeprefix("http://testserver"))
    assert "Suspect commits" not in [heading.text() for heading in other.page.css("h2")]
    other.submit("Show suspect commits and owners")
    assert other.status == 200
    assert "added cart.py, payment.py, __main__.py" in text_of(other.page.css(".frames")[1].css("li")[0], " ")
    assert "Owners are not known: " in text_of(other.page.css(".frames > li")[0], " ")
    assert "checked" in other.first("#people").attributes
