"""The rows of the rooms of records, each with a body that has the right shape."""

from typing import Any
from uuid import uuid4

from sqlalchemy.orm import Session

from tests.contract.rows.roles import ALL, DESK, STAFF, SYSTEM
from tests.factories.people import Citizen
from tests.healthbook.test_entries import ALLERGY, CONDITION, PRESSURE, temperature

PUBLIC: set[str] = {
    "GET /.well-known/jwks.json",
    "GET /.well-known/oauth-authorization-server",
    "GET /v1/codes/{system}",
    "GET /v1/facilities",
    "GET /v1/facilities/{code}",
    "GET /v1/sign-in/providers",
    "POST /v1/oauth/token",
    "POST /v1/sign-in/attempts",
    "POST /v1/sign-in/attempts/{attempt_id}/completion",
}

# one's own things, without anybody's id in the address: every account has them, no system does
MINE: dict[str, Any] = {
    "GET /v1/devices": None,
    "GET /v1/me": None,
    "GET /v1/me/details": None,
    "GET /v1/me/home": None,
    "GET /v1/sessions": None,
    "POST /v1/me/activation": {"code": "AAAA-BBBB-CCCC"},
    "POST /v1/me/identifiers": {"system": "old-id", "value": "001234567"},
    "PUT /v1/me/home/seen": {"items": [{"profileId": str(uuid4()), "cursor": "x"}]},
}

# somebody else's, by id: nobody but that somebody
PERSONAL: dict[str, Any] = {
    "DELETE /v1/devices/{device_id}": None,
    "DELETE /v1/me/identifiers/{identifier_id}": None,
    "DELETE /v1/sessions/{session_id}": None,
    "GET /v1/profiles/{profile_id}/access-log": None,
    "GET /v1/profiles/{profile_id}/changes": None,
    "GET /v1/profiles/{profile_id}/encounters": None,
    "GET /v1/profiles/{profile_id}/encounters/{encounter_id}": None,
    "GET /v1/profiles/{profile_id}/health-book": None,
    "GET /v1/profiles/{profile_id}/medications": None,
    "GET /v1/profiles/{profile_id}/papers": None,
    "GET /v1/profiles/{profile_id}/papers/{paper_id}": None,
    "GET /v1/profiles/{profile_id}/results": None,
}
for _name, _body in (
    ("allergies", ALLERGY),
    ("conditions", CONDITION),
    ("measurements", {"items": [PRESSURE]}),
):
    _list = f"/v1/profiles/{{profile_id}}/{_name}"
    _one = f"{_list}/{{entry_id}}"
    _single = temperature(37.0) if _name == "measurements" else _body
    PERSONAL |= {
        f"GET {_list}": None,
        f"POST {_list}": _body,
        f"GET {_one}": None,
        f"PUT {_one}": {k: v for k, v in _single.items() if k != "clientId"},
        f"DELETE {_one}": None,
    }

REASON = {"reason": "nhập nhầm người"}
SEEN = {"number": "001190100099", "fullName": "Lê Văn Khác", "birth": "1990-01-01"}
CARER = {
    "child": SEEN | {"number": "001220100098", "birth": "2020-01-01"},
    "carer": SEEN,
    "relation": "mother",
    "powers": ["see"],
    "documentSeen": "giấy khai sinh",
}
DOCUMENT = {
    "citizenNumber": "001190100097",
    "fullName": "Lê Văn Khác",
    "birth": "1990-01-01",
    "document": "citizen-card",
}

# a facility's: which of its roles
FACILITY: dict[str, tuple[frozenset[str], Any]] = {
    "GET /v1/facilities/{code}/carers": (DESK, None),
    "POST /v1/facilities/{code}/carers": (DESK, CARER),
    "POST /v1/facilities/{code}/carers/{carer_id}/suspension": (DESK, REASON),
    "POST /v1/facilities/{code}/activation-codes": (DESK, DOCUMENT),
    "GET /v1/facilities/{code}/rejections": (ALL, None),
    "GET /v1/facilities/{code}/reviews": (STAFF, None),
    "POST /v1/facilities/{code}/reviews/{review_id}/decision": (
        STAFF,
        REASON | {"decision": "different-person"},
    ),
    "GET /v1/facilities/{code}/submissions": (ALL, None),
    "POST /v1/facilities/{code}/submissions": (SYSTEM, b"<not-a-claim/>"),
    "GET /v1/facilities/{code}/submissions/{submission_id}": (ALL, None),
    "GET /v1/facilities/{code}/totals": (ALL, None),
    "GET /v1/facilities/{code}/visits/{visit}": (ALL, None),
    "POST /v1/facilities/{code}/visits/{visit}/withdrawal": (ALL, REASON),
    "POST /v1/facilities/{code}/visits/{visit}/reattachment": (
        STAFF,
        REASON | {"person": {"fullName": "Lê Văn Khác", "birth": "1991-01-01", "sex": "male"}},
    ),
}
QUERIES: dict[str, str] = {"GET /v1/facilities/{code}/totals": "?from=2026-10-01&to=2026-10-31"}


def extra_ids(session: Session, victim: Citizen) -> dict[str, str]:
    """Made by the matrix itself, through the application."""
    return {}
