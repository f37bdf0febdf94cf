"""Carers for tests."""

from datetime import timedelta

from sqlalchemy.orm import Session

from phr_api.consent.models import Carer
from phr_api.identity.models import Account, Profile
from phr_api.kit import clock
from phr_api.kit.ids import new_row_id


def make_carer(
    session: Session,
    *,
    account: Account,
    child: Profile,
    powers: tuple[str, ...] = ("see", "book"),
    years: int = 18,
    facility_code: str = "99001",
) -> Carer:
    """Let the account open the child's record for `years` from yesterday on."""
    at = clock.now() - timedelta(days=1)
    carer = Carer(
        id=new_row_id(),
        profile_id=child.id,
        account_id=account.id,
        relation="mother",
        powers=list(powers),
        starts_at=at,
        ends_at=at + timedelta(days=365 * years),
        recorded_by=None,
        facility_code=facility_code,
        reason="giấy khai sinh",
        suspended_at=None,
        ended_at=None,
        created_at=at,
    )
    session.add(carer)
    session.commit()
    return carer
