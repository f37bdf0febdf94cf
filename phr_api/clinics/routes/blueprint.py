"""The blueprint of the directory; each module of this package adds its views to it."""

from flask import Response, after_this_request

from phr_api.consent import FacilityRole
from phr_api.kit.web import Blueprint

blp = Blueprint(
    "clinics",
    __name__,
    url_prefix="/v1",
    description="Facilities, what they offer, and code lists; public to read",
)
DESK: frozenset[FacilityRole] = frozenset({"desk"})
CODE = "<string(length=5):code>"


def keep_for(seconds: int) -> None:
    """Let everybody keep this answer for so long."""

    @after_this_request
    def tell(response: Response) -> Response:
        response.headers["Cache-Control"] = f"public, max-age={seconds}"
        return response
