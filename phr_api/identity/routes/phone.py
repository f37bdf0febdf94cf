"""Signing in with a phone number that Firebase verified."""

from datetime import timedelta
from typing import Any

from phr_api.identity.routes.limited import take
from phr_api.identity.routes.sign_in import blueprint
from phr_api.identity.schemas import PhoneSignInSchema, TokensSchema
from phr_api.identity.service import phone
from phr_api.identity.service.sessions import Tokens
from phr_api.kit.limits import Limit

__all__ = ["blueprint"]

PHONE = Limit(name="phone sign-ins on device", count=10, per=timedelta(hours=1))


@blueprint.route("/phone", methods=["POST"])
@blueprint.public
@blueprint.arguments(PhoneSignInSchema)
@blueprint.response(200, TokensSchema)
def sign_in_by_phone(body: dict[str, Any]) -> Tokens:
    """Sign in with the ID token of Firebase's phone sign-in, verified in the last ten minutes

    Such a session books and sees its own bookings; it opens no record. Earlier sessions of the same
    number end, and what they made is hidden. 404 where phone sign-in is not offered.
    """
    take((PHONE, body["device"].installation_id))
    return phone.sign_in(body["id_token"], body["device"])
