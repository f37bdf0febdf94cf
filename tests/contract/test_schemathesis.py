"""Generated requests over the whole OpenAPI document: no 5xx, no status or body undocumented.

Each kind of caller gets a run of its own; what they send is made up from the document, with the
ids of a real person and a real facility now and then, so that requests come past the first door.
"""

import json
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import schemathesis
from flask import Flask
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from sqlalchemy.orm import Session

from tests.factories.people import make_citizen, make_staff, make_system

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]
EXAMPLES = 12
DOCUMENT = json.loads((Path(__file__).parents[2] / "openapi" / "phr-api.v1.json").read_text())
OPERATIONS = [
    (method, path)
    for path, methods in DOCUMENT["paths"].items()
    for method in methods
    if method in {"get", "post", "put", "patch", "delete"}
]


@pytest.fixture(scope="session")
def callers(app: Flask, engines: Any) -> tuple[dict[str, dict[str, str]], dict[str, Any]]:
    """Headers of one caller of each kind, and path parameters that lead to something real."""
    with Session(engines["phr_test"], expire_on_commit=False) as session:
        citizen = make_citizen(session)
        headers = {
            "anonymous": {},
            "citizen": citizen.headers,
            "desk": make_staff(session).headers,
            "doctor": make_staff(session, role="doctor").headers,
            "system": make_system(session).headers,
        }
    return headers, {"profile_id": str(citizen.profile.id), "code": "99001"}


@pytest.fixture(scope="session")
def contract(app: Flask) -> Any:
    return schemathesis.openapi.from_wsgi("/openapi.json", app)


@pytest.mark.parametrize("kind", ["anonymous", "citizen", "desk", "doctor", "system"])
@pytest.mark.parametrize(("method", "path"), OPERATIONS)
def test_no_answer_is_undocumented_and_none_is_a_5xx(
    contract: Any,
    callers: tuple[dict[str, dict[str, str]], dict[str, Any]],
    method: str,
    path: str,
    kind: str,
) -> None:
    headers, real = callers

    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=contract[path][method].as_strategy())
    def send(case: Any) -> None:
        for name, value in real.items():
            if name in (case.path_parameters or {}):
                case.path_parameters[name] = value
        # the test client does not unpack what a client that takes gzip gets
        plain = {"Idempotency-Key": uuid4().hex, "Accept-Encoding": "identity"}
        response = case.call(headers=plain | headers[kind])
        case.validate_response(response, checks=CHECKS)

    send()
