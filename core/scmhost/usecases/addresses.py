"""What the URLs of one repository have in common, however they are written."""

from urllib.parse import urlsplit


def address_of(url: str) -> str:
    """Host and path, without what may be left out, in one case. What is no URL has nothing in common with any."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    path = parts.path.strip("/").casefold().removesuffix(".git")
    return f"{parts.hostname}/{path}".casefold() if parts.hostname else ""


def path_of(url: str) -> str:
    """The path alone: what a repository is called on its host."""
    return address_of(url).partition("/")[2]
