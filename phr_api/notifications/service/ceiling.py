"""How many SMS an account, and a number, is sent a day: they cost, and a number can be flooded."""

from datetime import date
from uuid import UUID

from sqlalchemy.orm import Session

from phr_api.kit import limits
from phr_api.kit.db import run

SMS_A_DAY = 10

# One statement, so that two workers cannot share the last place of the day.
_TAKE = (
    "INSERT INTO sms_day AS d (key, on_date, count) VALUES (%(key)s, %(on)s, 1)"
    " ON CONFLICT (key, on_date) DO UPDATE SET count = d.count + 1 WHERE d.count < %(most)s"
    " RETURNING d.count"
)


def take_sms(session: Session, account_id: UUID, phone: str, on: date) -> bool:
    """Count one SMS of that day to this account and number; False when either had its share.

    The account's share is used first, so that a number which several accounts proved is not what
    one of them uses up alone.
    """
    uses = (("sms of account", str(account_id)), ("sms to number", phone))
    return all(_take(session, limits.key_of(name, value), on) for name, value in uses)


def _take(session: Session, key: bytes, on: date) -> bool:
    return bool(run(session, _TAKE, {"key": key, "on": on, "most": SMS_A_DAY}))
