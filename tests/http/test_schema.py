"""Valid and invalid requests that are generated from the OpenAPI document, and checks of the answers against it."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import pytest
import requests
import schemathesis
from httpx2 import Response
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from endpoints import ENDPOINTS, REDIRECTS, Endpoint, PopulatedHost, fill_in, open_populated

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
EXAMPLES = 20
Case = schemathesis.Case[Any]
# Objects are read before they are changed, and deleted last.
IN_ORDER = sorted(
    (*REDIRECTS, *ENDPOINTS), key=lambda endpoint: ("GET", "POST", "PUT", "DELETE").index(endpoint.method)
)


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PopulatedHost]:
    """One API for all of these tests; later requests see the changes of earlier ones."""
    with open_populated(tmp_path_factory.mktemp("schema")) as opened:
        yield opened


@pytest.fixture(scope="module")
def schema(shared: PopulatedHost) -> schemathesis.BaseSchema:
    """The OpenAPI document of the service."""
    return schemathesis.openapi.from_dict(shared.api.client.get("/api/openapi.json").json())


def aimed(shared: PopulatedHost, endpoint: Endpoint, case: Case, data: st.DataObject) -> Case:
    """Replace some generated values by existing ones, so that not all answers are 404 and 400."""
    known = {name: shared.values[name] for name in case.path_parameters or {}}
    kept = data.draw(st.just(set(known)) | some_of(known))
    case.path_parameters = {**case.path_parameters, **{name: known[name] for name in kept}}
    if endpoint.body and data.draw(st.booleans()):
        case.body = mixed(fill_in(endpoint.body, shared.values), case.body, data)
    if endpoint.query and data.draw(st.booleans()):
        case.query = mixed(endpoint.query, case.query, data)
    return case


def mixed(known: Mapping[str, Any], made_up: Any, data: st.DataObject) -> dict[str, Any]:
    """Return valid fields, some of them replaced by generated ones."""
    fields = made_up if isinstance(made_up, dict) else {}
    return {**known, **{name: fields[name] for name in data.draw(some_of(fields))}}


def some_of(names: Iterable[str]) -> st.SearchStrategy[set[str]]:
    """Return a strategy for subsets of names."""
    chosen = sorted(names)
    return st.sets(st.sampled_from(chosen)) if chosen else st.just(set())


def answer_of(shared: PopulatedHost, case: Case) -> Response:
    """Send a case with all permissions, and return the answer."""
    request = requests.Request(**case.as_transport_kwargs(base_url="http://testserver")).prepare()
    content: Any = request.body or b""
    headers: Any = {**request.headers, **shared.api.headers, **shared.signature(content)}
    client = shared.api.client
    return client.request(
        str(request.method), str(request.url), headers=headers, content=content, follow_redirects=False
    )


@pytest.mark.parametrize("endpoint", IN_ORDER, ids=lambda endpoint: endpoint.id)
def test_answers_match_the_openapi_document(
    shared: PopulatedHost, schema: schemathesis.BaseSchema, endpoint: Endpoint
) -> None:
    """The status, headers and body of every answer are documented, and no answer is 5xx."""
    operation = schema[endpoint.template][endpoint.method]
    right, wrong = (operation.as_strategy(mode) for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE))
    # A query with several texts that are too long is longer than a client sends.
    cases = right if endpoint in REDIRECTS else right | wrong

    @settings(max_examples=EXAMPLES, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
    @given(case=cases, data=st.data())
    def hold(case: Case, data: st.DataObject) -> None:
        sent = aimed(shared, endpoint, case, data)
        sent.validate_response(answer_of(shared, sent), checks=CHECKS)

    hold()
