"""What a scanner reads: the code of a booking, or the citizen card's (vietnam.md §2.2, R27)."""

from dataclasses import dataclass, field
from uuid import UUID

from phr_api.vocab import (
    InvalidIdentifier,
    PartialDate,
    check_citizen_number,
    name_key,
)

BOOKING = "PHRB1."
CARD_FIELDS = 7
DAY_LENGTH = 8


@dataclass(frozen=True, slots=True)
class BookingCode:
    """The code that a booking's person shows."""

    booking_id: UUID
    secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class CardText:
    """What finds a booking of today, of all that a card says; the rest is not even read."""

    number: str = field(repr=False)
    name_key: str = field(repr=False)
    birth: str = field(repr=False)


def read_scan(text: str) -> BookingCode | CardText | None:
    """Read a scan; None when it is neither code."""
    if text.startswith(BOOKING):
        return _read_booking(text)
    return _read_card(text.strip().split("|"))


def _read_booking(text: str) -> BookingCode | None:
    _, _, rest = text.strip().partition(".")
    booking_id, _, secret = rest.partition(".")
    try:
        return BookingCode(UUID(booking_id), secret) if secret else None
    except ValueError:
        return None


def _read_card(fields: list[str]) -> CardText | None:
    """number|old number|name|ddMMyyyy|sex|address|ddMMyyyy; newer cards have more behind it."""
    if len(fields) < CARD_FIELDS:
        return None
    number, _, name, birth = (part.strip() for part in fields[:4])
    if len(birth) != DAY_LENGTH or not birth.isdecimal() or not name:
        return None
    try:
        born = PartialDate(int(birth[4:]), int(birth[2:4]), int(birth[:2]))
        return CardText(check_citizen_number(number), name_key(name), str(born))
    except (InvalidIdentifier, ValueError):
        return None
