"""The settings with which other tools link to redirects, ready to paste."""

import json
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final
from urllib.parse import urlsplit


def snippet(tool: str, url: str, key: str) -> str:
    """Return the settings of a tool of ``TOOLS``.

    Args:
        tool: the tool.
        url: the address of this service in browsers, without a slash at its end.
        key: the text of a redirect key.
    """
    return TOOLS[tool](url, key)


def _sentry(url: str, key: str) -> str:
    # Sentry takes the scheme and the host of the links from the webhook's URL; nothing is sent there.
    element = {"type": "stacktrace-link", "uri": f"{urlsplit(url).path}/r/sentry/{key}"}
    integration = {
        "name": "Source",
        "isInternal": True,
        "webhookUrl": f"{url}/",
        "schema": {"elements": [element]},
        "scopes": [],
    }
    body = json.dumps({"organization": "YOUR-SENTRY-ORGANIZATION", **integration}, indent=2)
    return f"""\
In Sentry: Settings > Developer Settings > Create New Integration > Internal Integration.

Name:        {integration["name"]}
Webhook URL: {integration["webhookUrl"]}
Schema:
{json.dumps(integration["schema"], indent=2)}

Or by its API, with a token that has org:write. Your own Sentry, and organizations in Europe, have another host:

curl https://sentry.io/api/0/sentry-apps/ -H "Authorization: Bearer $SENTRY_AUTH_TOKEN" \\
  -H "Content-Type: application/json" -d @- <<'JSON'
{body}
JSON
"""


def _jaeger(url: str, key: str) -> str:
    place = "file=#{code.file.path}&line=#{code.line.number}"
    build = "repo=#{vcs.repository.url.full}&rev=#{vcs.ref.head.revision}"
    # Jaeger shows a link only if the span or its process has all the tags in it.
    links = {"Source of this build": f"{place}&{build}", "Source": place}
    patterns = [
        {"type": "tags", "key": "code.file.path", "url": f"{url}/r/{key}?{query}", "text": text}
        for text, query in links.items()
    ]
    return f"""\
In the file of "jaeger query --query.ui-config":

{json.dumps({"linkPatterns": patterns}, indent=2)}
"""


def _grafana(url: str, key: str) -> str:
    # Two dollar signs stand for one in a provisioning file, where one begins the name of a variable.
    def tag(name: str) -> str:
        return f'$${{__span.tags["{name}"]:percentencode}}'

    place = f"file={tag('code.file.path')}&line={tag('code.line.number')}"
    build = f"repo={tag('vcs.repository.url.full')}&rev={tag('vcs.ref.head.revision')}"
    return f"""\
In the provisioning file of the Loki data source:

jsonData:
  derivedFields:
    - name: Source
      matcherRegex: '((?:[\\w.@~-]*/)*[\\w.@~-]+\\.\\w+:\\d+)'
      url: '{url}/r/{key}?loc=$${{__value.raw:percentencode}}'
      urlDisplayLabel: Open the source

In the provisioning file of the Tempo data source (Grafana 12); a span shows a link if it has all tags in it:

correlations:
  - label: Source of this build
    type: external
    config:
      field: traceID
      target:
        url: '{url}/r/{key}?{place}&{build}'
  - label: Source
    type: external
    config:
      field: traceID
      target:
        url: '{url}/r/{key}?{place}'
"""


def _kibana(url: str, key: str) -> str:
    return f"""\
In Kibana: Stack Management > Data Views > the view > the field that has PATH:LINE > Set format > URL.

Type:         Link
URL template: {url}/r/{key}?loc={{{{value}}}}

A runtime field of the type Keyword joins the two fields of the Elastic Common Schema:

if (doc.containsKey('log.origin.file.name') && doc['log.origin.file.name'].size() > 0
    && doc.containsKey('log.origin.file.line') && doc['log.origin.file.line'].size() > 0) {{
  emit(doc['log.origin.file.name'].value + ':' + doc['log.origin.file.line'].value);
}}
"""


def _errbit(url: str, key: str) -> str:
    return f"""\
In Errbit: the app > Edit > Custom backtrace URL template.

{url}/r/{key}?file=%{{efile}}&line=%{{line}}
"""


def _otel(url: str, key: str) -> str:
    return f"""\
At build time:   scmhost build-info
In the program:  Resource.create(scmhost.integrations.opentelemetry.resource_attributes())
                 span.set_attributes(scmhost.integrations.opentelemetry.code_attributes(error))
Without Python:  OTEL_RESOURCE_ATTRIBUTES="vcs.repository.url.full=URL,vcs.ref.head.revision=$(git rev-parse HEAD)"

A backend makes links of these attributes, percent-encoded:

{url}/r/{key}?file={{code.file.path}}&line={{code.line.number}}&repo={{vcs.repository.url.full}}&rev={{vcs.ref.head.revision}}
"""


TOOLS: Final[Mapping[str, Callable[[str, str], str]]] = MappingProxyType(
    {
        "errbit": _errbit,
        "grafana": _grafana,
        "jaeger": _jaeger,
        "kibana": _kibana,
        "otel": _otel,
        "sentry": _sentry,
    }
)
"""The tools by name."""
