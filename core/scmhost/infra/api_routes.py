"""The errors that all routes of the API document, and a class for routes that are called often."""

from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Final

from fastapi import APIRouter, Request, Response
from fastapi.routing import APIRoute
from pydantic import BaseModel, ValidationError
from starlette.concurrency import run_in_threadpool

_JSON: Final = "application/json"

Handler = Callable[[Request], Coroutine[Any, Any, Response]]


_DESCRIPTIONS: Final = {
    "400": "The request is wrong; nothing was changed.",
    "401": "The token is missing or invalid.",
    "403": "The token lacks a scope.",
    "404": "Not found in this organization.",
    "408": "The body took longer than limits.body_seconds.",
    "409": "It conflicts with stored data.",
    "413": "The body is larger than limits.body_bytes.",
    "429": "More than limits.requests_per_minute; wait for Retry-After.",
    "502": "A plugin is at fault; the answer names it.",
    "503": "Temporarily unavailable; try again later.",
}
_ERROR_SCHEMAS: Final = {
    "ErrorDetail": {
        "type": "object",
        "title": "ErrorDetail",
        "description": "An error, described in a sentence.",
        "properties": {"detail": {"type": "string", "title": "Detail"}},
        "required": ["detail"],
    },
    "FieldProblems": {
        "type": "object",
        "title": "FieldProblems",
        "description": "The errors of each field.",
        "additionalProperties": {"type": "array", "items": {"type": "string"}},
    },
}
_DETAIL: Final = {"$ref": "#/components/schemas/ErrorDetail"}
_DETAIL_OR_FIELDS: Final = {"anyOf": [_DETAIL, {"$ref": "#/components/schemas/FieldProblems"}]}


def document_errors(document: dict[str, Any]) -> None:
    """Add the errors that every operation can answer to an OpenAPI document, in place of FastAPI's own.

    They are no ``responses`` of the routes: FastAPI would make a validator for each of them at the start.
    """
    for operation in (each for methods in document["paths"].values() for each in methods.values()):
        responses = operation["responses"]
        responses.pop("422", None)
        for status, description in _DESCRIPTIONS.items():
            schema = _DETAIL_OR_FIELDS if status == "400" else _DETAIL
            responses.setdefault(status, {"description": description, "content": {_JSON: {"schema": schema}}})
    schemas = document["components"]["schemas"]
    for unused in ("HTTPValidationError", "ValidationError"):
        schemas.pop(unused, None)
    schemas.update(_ERROR_SCHEMAS)


class DirectRoute(APIRoute):
    """A route with a plain function, which returns a response.

    The function's arguments are the request, dependencies that take nothing but the request, and at most one body, as a
    model, which may have a method ``read_json`` that does the same as ``model_validate_json``, but faster. Its other
    parameters it reads itself: see ``read_query``. FastAPI reads each part of a request as a field of its own, which
    takes longer than most answers.
    """

    def get_route_handler(self) -> Handler:
        """Return the function that answers a request."""
        # A body that is no JSON of the model is left to FastAPI, so that all routes answer errors alike.
        careful = super().get_route_handler()
        function, own = self.endpoint, self.dependant.request_param_name
        dependencies = [(item.name or "", _dependency(item.call)) for item in self.dependant.dependencies]
        bodies = [(item.name, _reader(item.field_info.annotation)) for item in self.dependant.body_params]

        async def answer(request: Request) -> Response:
            values: dict[str, Any] = {own: request} if own else {}
            for name, read in bodies:
                body = await _body(request, read)
                if body is None:
                    return await careful(request)
                values[name] = body
            for name, dependency in dependencies:
                values[name] = await dependency(request)
            response: Response = await run_in_threadpool(function, **values)
            return response

        return answer


def direct_router(**options: Any) -> APIRouter:
    """Return a router of direct routes."""
    return APIRouter(route_class=DirectRoute, **options)


async def _body(request: Request, read: Callable[[bytes], BaseModel]) -> BaseModel | None:
    """Return the body of a request, or None if it has to be read with more care."""
    if request.headers.get("content-type") != _JSON:
        return None
    try:
        return read(await request.body())
    except ValidationError:
        return None


def _dependency(call: Any) -> Callable[[Request], Awaitable[Any]]:
    function: Callable[[Request], Awaitable[Any]] = call
    return function


def _reader(annotation: Any) -> Callable[[bytes], BaseModel]:
    model: type[BaseModel] = annotation
    if not issubclass(model, BaseModel):
        raise TypeError(f"the body of a direct route is a model, not {annotation!r}")
    read: Callable[[bytes], BaseModel] = getattr(model, "read_json", model.model_validate_json)
    return read
