"""What a repository's address says: the values of a template's repository tokens."""

from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType
from urllib.parse import unquote, urlsplit

from .reading import Rules, read, take_apart
from .templates import Optional, Template, Token
from .tokens import HOST_TOKENS, REPOSITORY_TOKENS, ROOT_TOKENS
from .urls import authority_of

RepositoryValues = Mapping[str, str]


@lru_cache(maxsize=4096)
def values_of(repo_url: str, template: str, groups: int) -> RepositoryValues:
    """The values of a repository, from its web URL and the host's template of such URLs.

    A URL of another form is taken for scheme, host and path.
    """
    url = take_apart(repo_url)
    found = next(read(Template.parse(template), url, Rules(groups, None)), None) if url else None
    if found is None:
        base_url = authority_of(repo_url)
        path = unquote(repo_url[len(base_url) :].strip("/"))
        return MappingProxyType({**values_at(base_url, path, template), "repo_url": repo_url})
    texts = {name: str(value) for name, value in found.items()}
    path = path_of(texts, template)
    base_url = texts["base_url"]
    if repo_url.lower().startswith(base_url.lower()):
        base_url = repo_url[: len(base_url)]
    return MappingProxyType(
        {**values_at(base_url, path, template), **texts, "base_url": base_url, "repo_url": repo_url}
    )


def values_at(base_url: str, path: str, template: str) -> dict[str, str]:
    """The values of a repository, from the host's base URL and the repository's path below it."""
    base_url, path = base_url.rstrip("/"), path.strip("/")
    owner, _, repo = path.rpartition("/")
    values = {**_host_values(base_url), "repo_path": path, "owner": owner, "repo": repo}
    values |= _named(names_in(template), path)
    values |= {"owner_first": values["owner"].partition("/")[0], "owner_last": values["owner"].rpartition("/")[2]}
    values = {"org": values["owner_first"], "project": values["owner_last"], **values}
    return {name: value for name, value in values.items() if value or name == "prefix"}


def with_page(values: Mapping[str, str], template: str) -> dict[str, str] | None:
    """The values with the URL of the repository's own page; None when the template needs others."""
    page = Template.parse(template).bind(values).without(REPOSITORY_TOKENS).render({})
    return None if page is None else {**values, "repo_url": page}


def path_of(values: Mapping[str, str], template: str) -> str:
    """The repository's path as people say it: the parts that the template of its page names, joined."""
    return "/".join(values[name] for name in names_in(template) if values.get(name))


@lru_cache(maxsize=256)
def names_in(template: str) -> tuple[str, ...]:
    """The tokens that a template takes a repository's path apart into, in their order."""
    names: list[str] = []
    for node in Template.parse(template).nodes:
        tokens = node.nodes if isinstance(node, Optional) else (node,)
        names += [token.name for token in tokens if isinstance(token, Token)]
    return tuple(name for name in dict.fromkeys(names) if name not in ROOT_TOKENS | HOST_TOKENS)


def _named(names: tuple[str, ...], path: str) -> dict[str, str]:
    segments = path.split("/")
    if not names or names[0] == "repo_path":
        return {}
    if names[0] == "owner":
        owners = max(len(segments) - len(names) + 1, 0)
        return {"owner": "/".join(segments[:owners]), **dict(zip(names[1:], segments[owners:], strict=False))}
    heads, last = names[:-1], len(names) - 1
    return {**dict(zip(heads, segments, strict=False)), names[-1]: "/".join(segments[last:])}


def _host_values(base_url: str) -> dict[str, str]:
    parts = urlsplit(base_url)
    return {
        "base_url": base_url,
        "scheme": parts.scheme,
        "web_host": parts.netloc if parts.port is None else parts.netloc.rpartition(":")[0],
        "port": str(parts.port or ""),
        "prefix": parts.path,
    }
