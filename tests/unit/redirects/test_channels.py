"""The settings of other tools, by the rules of their own templates."""

import json
import re
from collections.abc import Callable, Mapping
from urllib.parse import parse_qs, quote, quote_plus, urlsplit

import pytest

from scmhost.cli.redirects import _TOOLS
from scmhost.redirects.routes import RedirectQuery
from scmhost.redirects.tools import TOOLS, snippet

URL = "https://scmhost.example"
KEY = f"1-{'k' * 43}"
PATH = "/srv/my app/shop/cart%20é.py"
PLACE = {"code.file.path": PATH, "code.line.number": "12"}
BUILD = {"vcs.repository.url.full": "git@git.example.com:team/app.git", "vcs.ref.head.revision": "a" * 40}


def query_of(url: str) -> RedirectQuery:
    """Return the query of a redirect, as the service reads it."""
    parts = urlsplit(url)
    assert parts._replace(query="").geturl() in (f"{URL}/r/{KEY}", f"{URL}/r/sentry/{KEY}")
    return RedirectQuery.model_validate({name: values[0] for name, values in parse_qs(parts.query).items()})


def frame_of(url: str) -> tuple[str | None, int | None]:
    frame = query_of(url).request().frame
    return frame.info.filename, frame.line


def jaeger(template: str, tags: Mapping[str, str]) -> str | None:
    """Fill in a link pattern as Jaeger does: encoded, and only if all tags are there."""
    names = re.findall(r"#\{([^{}]+)\}", template)
    if not set(names) <= tags.keys():
        return None
    return re.sub(r"#\{([^{}]+)\}", lambda match: quote(tags[match[1]], safe="!'()*-._~"), template)


def test_tools_of_the_command() -> None:
    """The command offers each tool."""
    assert tuple(sorted(TOOLS)) == _TOOLS


@pytest.mark.parametrize("tool", sorted(TOOLS))
def test_snippets_have_the_address_and_the_key(tool: str) -> None:
    """Nothing has to be filled in but what belongs to the tool."""
    text = snippet(tool, URL, KEY)
    assert KEY in text
    assert URL in text


def test_sentry() -> None:
    """The printed body of the API call makes the links that Sentry opens."""
    text = snippet("sentry", URL, KEY)
    body = json.loads(text[text.index('{\n  "organization"') : text.rindex("JSON")])
    (element,) = body["schema"]["elements"]
    assert (body["isInternal"], body["scopes"], element["type"]) == (True, [], "stacktrace-link")
    # Sentry takes scheme and host from the webhook's URL, and sorts the parameters.
    origin = urlsplit(body["webhookUrl"])._replace(path="").geturl()
    opened = f"{origin}{element['uri']}?filename={quote(PATH, safe='')}&installationId=6b1e&lineNo=12"
    assert frame_of(opened) == (PATH, 12)


def test_sentry_below_a_path() -> None:
    """A service below a path of its host has the path in the schema, too."""
    assert f'"uri": "/tools/scmhost/r/sentry/{KEY}"' in snippet("sentry", f"{URL}/tools/scmhost", KEY)


def test_jaeger() -> None:
    """With the build's tags both links are shown; without, the one that needs none."""
    text = snippet("jaeger", URL, KEY)
    patterns = json.loads(text[text.index("{\n") :])["linkPatterns"]
    with_build = [jaeger(pattern["url"], {**PLACE, **BUILD}) for pattern in patterns]
    without = [jaeger(pattern["url"], PLACE) for pattern in patterns]
    assert without[0] is None
    for url in [*with_build, without[1]]:
        assert url
        assert frame_of(url) == (PATH, 12)
    request = query_of(with_build[0] or "").request()
    assert (request.repository, request.frame.commit) == (BUILD["vcs.repository.url.full"], "a" * 40)


@pytest.mark.parametrize(
    ("line", "place"),
    [
        ("  File src/cart.py:12 in total", ("src/cart.py", 12)),
        ("at total (/srv/app/cart.js:12:5)", ("/srv/app/cart.js", 12)),
        ("cart.go:12 +0x1d", ("cart.go", 12)),
    ],
)
def test_grafana(line: str, place: tuple[str, int]) -> None:
    """The expression finds a place in a log line, and the value is encoded."""
    text = snippet("grafana", URL, KEY)
    expression = re.search(r"matcherRegex: '(.+)'", text)
    template = re.search(r"url: '(.+)'", text)
    assert expression
    assert template
    match = re.search(expression[1], line)
    assert match
    # A second dollar sign keeps Grafana's provisioning from reading an environment variable.
    url = template[1].replace("$${__value.raw:percentencode}", quote(match[1], safe=""))
    assert frame_of(url) == place


def span_link(template: str, tags: Mapping[str, str]) -> str | None:
    """Fill in the URL of a correlation as Grafana does: provisioned, encoded, and only if all tags are there."""
    variable = re.compile(r'\$\{__span\.tags\["([^"]+)"\]:percentencode\}')
    provisioned = template.replace("$$", "$")
    if not set(variable.findall(provisioned)) <= tags.keys():
        return None
    return variable.sub(lambda match: quote(tags[match[1]], safe="!'()*-._~"), provisioned)


def test_grafana_spans() -> None:
    """With the build's tags both links of a span are shown; without, the one that needs none."""
    text = snippet("grafana", URL, KEY)
    templates = re.findall(r"^ +url: '(.+)'$", text[text.index("correlations:") :], re.MULTILINE)
    with_build = [span_link(template, {**PLACE, **BUILD}) for template in templates]
    without = [span_link(template, PLACE) for template in templates]
    assert (len(with_build), without[0], frame_of(without[1] or "")) == (2, None, (PATH, 12))
    request = query_of(with_build[0] or "").request()
    assert (request.repository, request.frame.commit) == (BUILD["vcs.repository.url.full"], "a" * 40)
    assert frame_of(with_build[1] or "") == (PATH, 12)


def test_kibana() -> None:
    """The value of the field is encoded; documents without one of both fields are no error of the whole search."""
    text = snippet("kibana", URL, KEY)
    template = re.search(r"URL template: (\S+)", text)
    assert template
    assert frame_of(template[1].replace("{{value}}", quote(f"{PATH}:12", safe=""))) == (PATH, 12)
    for field in re.findall(r"doc\['([\w.]+)'\]\.value", text):
        assert f"doc.containsKey('{field}') && doc['{field}'].size() > 0" in text


@pytest.mark.parametrize("escape", [quote_plus, lambda text: quote(text, safe="")])
def test_errbit(escape: Callable[[str], str]) -> None:
    """The escaped file, in which Errbit writes + for a blank, and the line are filled in."""
    template = re.search(r"https://\S+", snippet("errbit", URL, KEY))
    assert template
    assert frame_of(template[0].replace("%{efile}", escape(PATH)).replace("%{line}", "12")) == (PATH, 12)


def test_otel() -> None:
    """The attributes are those of the semantic conventions."""
    template = snippet("otel", URL, KEY).splitlines()[-1]
    filled = re.sub(r"\{([\w.]+)\}", lambda match: quote({**PLACE, **BUILD}[match[1]], safe=""), template)
    assert frame_of(filled) == (PATH, 12)
