"""The OpenAPI description is what the API does: requests that are drawn from it, right and wrong ones, never end in a 5xx."""

import itertools
from typing import Any

import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import response_schema_conformance, status_code_conformance

from support.rounds import World
from veridical.rounds.store import Store

EXAMPLES = 8  # requests to each call


def test_no_request_to_the_api_is_a_server_error(lite: Store) -> None:
    world = World(lite, "two-retailers")
    world.report("retailer 1", 5.0)
    schema = schemathesis.openapi.from_asgi("/openapi.json", world.app())
    statuses: dict[str, set[int]] = {}
    turn = itertools.count()
    for found in schema.get_all_operations():
        assert isinstance(found, Ok)
        operation = found.ok()

        @settings(
            max_examples=EXAMPLES, deadline=None, database=None, suppress_health_check=list(HealthCheck), phases=[Phase.generate]
        )
        @given(request=operation.as_strategy())
        def drawn(request: schemathesis.Case[Any]) -> None:
            if "round" in request.path_parameters and next(turn) % 4:
                request.path_parameters["round"] = world.id  # one in four is of a round that is not there
            answer = request.call(headers={"Authorization": f"Bearer {world.tokens['retailer 1']}"})
            request.validate_response(answer, checks=[not_a_server_error, status_code_conformance, response_schema_conformance])
            statuses.setdefault(request.operation.label, set()).add(answer.status_code)

        drawn()
    assert len(statuses) == 5
    assert statuses["GET /api/me"] == {200}
    assert statuses["POST /api/rounds/{round}/reports"] >= {201, 404}
