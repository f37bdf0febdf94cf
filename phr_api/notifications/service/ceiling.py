"""How many SMS an account, and a number, is sent a day: they cost, and a number can be flooded."""

from collections.abc import Sequence
from datetime import date
from uuid import UUID

from sqlalchemy.orm import Session

from phr_api.kit import limits
from phr_api.kit.db import do, run

SMS_A_DAY = 10

# Makes or locks all the counts in one order, so that workers wait for each other and for nothing
# else; they are held until the transaction ends.
_LOCK = (
    "INSERT INTO sms_day AS d (key, on_date, count)"
    " SELECT k, %(on)s, 0 FROM unnest(%(keys)s::bytea[]) AS k ORDER BY k"
    " ON CONFLICT (key, on_date) DO UPDATE SET count = d.count RETURNING key, count"
)
_COUNT = (
    "UPDATE sms_day d SET count = c.count FROM unnest(%(keys)s::bytea[], %(counts)s::integer[])"
    " AS c (key, count) WHERE d.key = c.key AND d.on_date = %(on)s"
)


def take_sms(session: Session, wanted: Sequence[tuple[UUID, str]], on: date) -> list[bool]:
    """Count SMS of that day to these accounts and numbers; which of them have room with both.

    What the number has no room for is not taken from the account's share, nor the other way.
    """
    uses = [
        (limits.key_of("sms of account", str(account)), limits.key_of("sms to number", phone))
        for account, phone in wanted
    ]
    keys = sorted({key for use in uses for key in use})
    counts: dict[bytes, int] = dict(run(session, _LOCK, {"keys": keys, "on": on}))
    has_room = []
    for use in uses:
        has = all(counts[key] < SMS_A_DAY for key in use)
        for key in use if has else ():
            counts[key] += 1
        has_room.append(has)
    do(session, _COUNT, {"keys": list(counts), "counts": list(counts.values()), "on": on})
    return has_room
