r"""Stack roots and source roots in the one form in which they are compared.

``src``, ``src/`` and ``src\`` mean the same and match whole segments: never ``srca.py``. A root that ends in ``*``
matches inside a segment on purpose: ``App*`` matches ``AppDelegate.m``. Any other ``*`` is a wildcard.
"""


def unify(path: str) -> str:
    r"""The path with ``/`` wherever it has ``\``."""
    return path.replace("\\", "/")


def subject(path: str) -> str:
    """A path as prefixes are looked for in it. The closing slash lets a root that is a whole file match it."""
    return path.replace("\\", "/") + "/"


def prefix_of(stack_root: str) -> str:
    """What a path's subject must begin with to match a stack root."""
    root = unify(stack_root)
    if root.endswith("*"):
        return root[:-1]
    return root.rstrip("/") + "/" if root else ""


def source_of(stack_root: str, source_root: str) -> str:
    """What takes the place of the stack root. A root ending in ``*`` takes its source root as it is."""
    source = unify(source_root).lstrip("/")
    if stack_root.endswith("*"):
        return source
    return source.rstrip("/") + "/" if source else ""


def is_absolute(root: str) -> bool:
    """Whether a root begins at a file system's top: with a slash or with a drive letter."""
    return root.startswith(("/", "\\")) or (root[1:2] == ":" and root[:1].isascii() and root[:1].isalpha())


def fold(path: str) -> str | None:
    """The path without ``.``, ``..`` and empty segments, or None when it climbs out of the repository."""
    folded: list[str] = []
    for segment in path.split("/"):
        if segment == "..":
            if not folded:
                return None
            folded.pop()
        elif segment not in ("", "."):
            folded.append(segment)
    return "/".join(folded)
