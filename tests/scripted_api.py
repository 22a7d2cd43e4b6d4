"""An ``ApiClient`` with prepared answers, for tests of helpers that send requests."""

import json
from collections.abc import Callable, Mapping
from typing import Any

from scmhost.sdk import ApiAnswer, ApiClient, ApiNotFound

Answers = Callable[[str, Mapping[str, str]], Any]
"""Returns the JSON at a path for a query; None for nothing; a pair for JSON and the address of the next page."""


class ScriptedApi(ApiClient):
    """Answers without a network, and keeps what was asked: method, path and query, and the JSON that was sent."""

    def __init__(self, answers: Answers) -> None:
        super().__init__("https://git.example.com/api")
        self.answers = answers
        self.asked: list[str] = []
        self.sent: list[Any] = []

    async def request(self, method: str, *path: str, params: Any = None, **options: Any) -> ApiAnswer:
        """Return the prepared answer of a place."""
        place = "/".join(self._path + path)
        query = {name: str(value) for name, value in (params or {}).items() if value is not None}
        self.asked.append(f"{method} {place}" + "".join(f" {name}={value}" for name, value in query.items()))
        self.sent.append(options.get("json"))
        found = self.answers(f"{method} {place}", query)
        if found is None:
            raise ApiNotFound(f"no {place}")
        body, following = found if isinstance(found, tuple) else (found, "")
        headers = {"content-type": "application/json", "link": f'<{following}>; rel="next"' if following else ""}
        return ApiAnswer(self.host, place, 200, headers, json.dumps(body).encode(), query, self._pages)
