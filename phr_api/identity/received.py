"""A person as a hospital's file names them, before anybody has said who it is."""

from dataclasses import dataclass
from datetime import date, datetime

from phr_api.vocab import IdentifierSystem, PartialDate, Sex


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceivedCard:
    """One insurance card of the four parallel lists of XML1 (MA_THE_BHYT, MA_DKBD, GT_THE_*).

    `card` has 15 characters or is None when the 10 digits alone came; `insurance_number` has 10.
    """

    card: str | None
    insurance_number: str
    registered_facility: str | None
    valid_from: date | None
    valid_until: date | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceivedAddress:
    """Where they live, with codes of the old three-level or the new two-level divisions."""

    line: str | None
    scheme: str  # "three-level" (before 2025-07-01) or "two-level"
    province_code: str | None
    district_code: str | None
    commune_code: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceivedPerson:
    """The patient of a visit.

    `number` is None when absent or when it cannot be this person's (a newborn under the mother's).
    `born_at` is set when the time of birth is known; a newborn is at most 28 days old on arrival,
    or on a temporary card. `mother_name` is what a birth or discharge paper of the visit told.
    """

    full_name: str
    birth: PartialDate
    born_at: datetime | None
    sex: Sex
    number: tuple[IdentifierSystem, str] | None
    is_newborn: bool
    mother_number: tuple[IdentifierSystem, str] | None
    cards: tuple[ReceivedCard, ...]
    address: ReceivedAddress | None
    phone: str | None
    ethnicity: str | None
    nationality: str | None
    occupation: str | None
    blood_group: str | None
    mother_name: str | None = None
