"""Schemathesis against the OpenAPI document: whatever is sent, no fault of ours, and answers as the document says."""

import os
import uuid
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import content_type_conformance, response_schema_conformance

from tests.api.site import caller
from tests.factories import XIUSHAN
from tests.world import World

# A workbook is sent as bytes like any other file; Schemathesis knows that of the plain type only.
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
schemathesis.serializer.alias(XLSX, "application/octet-stream")

IS_PROOF = os.environ.get("HYPOTHESIS_PROFILE") == "prove"
EXAMPLES = 300 if IS_PROOF else 6
ROLES = ("village_cadre", "county_lead", "auditor", "admin", "upper_level")
KNOWN = {
    "number": ["500241H0000001-C1", "500241H0000001", "1", "500230H0000001-C1"],
    "action": ["nominate", "verify_household", "add_evidence", "object", "lapse"],
    "purpose": ["include", "eliminate"],
    "village": [XIUSHAN, "500230001201"],
    "county": ["500241", "500230"],
    "username": [f"auditor-{XIUSHAN[:6]}000000", "nobody"],
    "sha256": ["0" * 64],
}


@pytest.mark.timeout(7200 if IS_PROOF else 300)
def test_no_request_makes_a_fault(world: World) -> None:
    world.walker().clue()
    sent = [caller(world, world.person(role)).token for role in ROLES]
    document = schemathesis.openapi.from_wsgi("/api/v1/openapi.json", world.app)
    operations: Any = document.get_all_operations()
    found = [result.ok() for result in operations]
    assert len(found) > 30
    for operation in found:
        fuzz(world, operation, sent)


def fuzz(world: World, operation: Any, sent: list[str]) -> None:
    """Send generated requests to one operation: half of them about things that exist."""

    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        derandomize=not IS_PROOF,
        phases=(Phase.explicit, Phase.generate),
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(), data=st.data())
    def try_one(case: Any, data: st.DataObject) -> None:
        for name in case.path_parameters or {}:
            if name in KNOWN and data.draw(st.booleans()):
                case.path_parameters[name] = data.draw(st.sampled_from(KNOWN[name]))
        headers = {"Authorization": f"Bearer {data.draw(st.sampled_from(sent))}", "Idempotency-Key": uuid.uuid4().hex}
        with world.app.app_context():
            response = case.call(headers=headers)
        checks = [not_a_server_error, content_type_conformance, response_schema_conformance]
        case.validate_response(response, checks=checks)

    try_one()
