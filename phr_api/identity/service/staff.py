"""Who works at a facility: given and ended by an operator, as the worker's role."""

from sqlalchemy import text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from phr_api.identity.models import Membership
from phr_api.kit import clock
from phr_api.kit.db import set_scope
from phr_api.kit.ids import new_public_id, new_row_id

_ACCOUNT = text("SELECT staff_account(:id, :issuer, :subject, :at)")


class ClosedAccountError(RuntimeError):
    """This account was closed."""


def add(
    session: Session, *, facility_code: str, role: str, issuer: str, subject: str, name: str
) -> bool:
    """Give somebody a role at a facility before or after they first sign in.

    False if they had it already. Raises ClosedAccountError.
    """
    at = clock.now()
    parameters = {"id": new_public_id(), "issuer": issuer, "subject": subject, "at": at}
    account_id = session.scalar(_ACCOUNT, parameters)
    if account_id is None:
        raise ClosedAccountError
    set_scope(session, facility_id=facility_code)
    made = session.execute(
        insert(Membership)
        .values(
            id=new_row_id(),
            account_id=account_id,
            facility_code=facility_code,
            role=role,
            display_name=name,
            created_at=at,
        )
        .on_conflict_do_nothing()
        .returning(Membership.id)
    )
    return made.one_or_none() is not None


def end(session: Session, *, facility_code: str, membership_id: object) -> bool:
    """End a membership: it opens nothing from the next request on (R7). False if there is none."""
    set_scope(session, facility_id=facility_code)
    membership = session.get(Membership, membership_id)
    if membership is None or membership.ended_at is not None:
        return False
    membership.ended_at = clock.now()
    return True
