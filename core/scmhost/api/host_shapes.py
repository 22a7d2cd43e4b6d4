"""Wire shapes of what is told about the host itself."""

from .shapes import Wire


class Health(Wire):
    """The process lives."""

    status: str
    version: str


class Ready(Wire):
    """Whether requests can be answered, and the plugins by state."""

    status: str
    detail: str | None
    database: str
    plugins: dict[str, int]
    suspended: list[str]
