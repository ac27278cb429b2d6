"""The OpenAPI description is what the API does: requests that are drawn from it, right and wrong ones, never end in a 5xx."""

import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.checks import CHECKS, not_a_server_error

from support.rounds import World
from veridical.rounds.store import Store

EXAMPLES = 15  # requests to each call


def test_no_request_to_the_api_is_a_server_error(lite: Store) -> None:
    world = World(lite, "two-retailers")
    world.report("retailer 1", 5.0)
    schema = schemathesis.openapi.from_asgi("/openapi.json", world.app())
    statuses: dict[str, set[int]] = {}
    for found in schema.get_all_operations():
        operation = found.ok()

        @settings(max_examples=EXAMPLES, deadline=None, database=None, suppress_health_check=list(HealthCheck), phases=[Phase.generate])
        @given(request=operation.as_strategy())
        def drawn(request: schemathesis.Case) -> None:
            if "round" in request.path_parameters and len(str(request.path_parameters["round"])) % 2:
                request.path_parameters["round"] = world.id  # every other one is of the round that there is
            answer = request.call(headers={"Authorization": f"Bearer {world.tokens['retailer 1']}"})
            request.validate_response(answer, checks=[not_a_server_error])
            statuses.setdefault(request.operation.label, set()).add(answer.status_code)

        drawn()
    print(statuses)
    assert len(statuses) == 5
    assert CHECKS
    assert 200 in statuses["GET /api/me"]
