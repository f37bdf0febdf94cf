"""/v1 never breaks: the contract against the one that was last released."""

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.contract.breaking import Document, breaks

OPENAPI = Path(__file__).parents[2] / "openapi"
RELEASED: Document = json.loads((OPENAPI / "released" / "phr-api.v1.json").read_text())


def test_an_app_of_the_last_release_still_works() -> None:
    now = json.loads((OPENAPI / "phr-api.v1.json").read_text())
    assert breaks(RELEASED, now) == []


ALLERGIES = "/v1/profiles/{profile_id}/allergies"


def remove_path(document: Document) -> Any:
    del document["paths"]["/v1/me/home"]


def demand_parameter(document: Document) -> Any:
    parameter = {"in": "query", "name": "since", "required": True}
    document["paths"]["/v1/me"]["get"].setdefault("parameters", []).append(parameter)


def demand_member(document: Document) -> Any:
    document["components"]["schemas"]["NewAllergy"]["required"].append("note")


def remove_member(document: Document) -> Any:
    del document["components"]["schemas"]["Allergy"]["properties"]["substance"]


def change_type(document: Document) -> Any:
    document["components"]["schemas"]["Allergy"]["properties"]["substance"]["type"] = "integer"


def narrow(document: Document) -> Any:
    document["components"]["schemas"]["NewAllergy"]["properties"]["category"]["enum"].pop()


def no_answer(document: Document) -> Any:
    del document["paths"][ALLERGIES]["post"]["responses"]["201"]


@pytest.mark.parametrize(
    "change",
    [
        remove_path,
        demand_parameter,
        demand_member,
        remove_member,
        change_type,
        narrow,
        no_answer,
    ],
)
def test_a_change_that_breaks_is_found(change: Callable[[Document], Any]) -> None:
    changed = copy.deepcopy(RELEASED)
    change(changed)
    assert len(breaks(RELEASED, changed)) == 1


def test_what_is_added_breaks_nobody() -> None:
    changed = copy.deepcopy(RELEASED)
    changed["paths"]["/v1/new"] = {"get": {"responses": {"200": {}}}}
    changed["components"]["schemas"]["Allergy"]["properties"]["new"] = {"type": "string"}
    changed["components"]["schemas"]["NewAllergy"]["properties"]["new"] = {"type": "string"}
    assert breaks(RELEASED, changed) == []
