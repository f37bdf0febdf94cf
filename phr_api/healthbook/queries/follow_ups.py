"""What a person was asked to come back for."""

from dataclasses import dataclass
from datetime import date
from typing import Literal
from uuid import UUID

from sqlalchemy.orm import Session

from phr_api.consent import RecordScope


@dataclass(frozen=True, slots=True, kw_only=True)
class FollowUp:
    """A day on which somebody should come back, and what says so."""

    kind: Literal["follow-up", "medicines-end"]
    on: date
    facility_code: str
    paper_id: UUID | None = None
    encounter_id: UUID | None = None


def find_follow_ups(
    session: Session, scope: RecordScope, *, since: date, until: date
) -> list[FollowUp]:
    """Days between `since` and `until` that the book names, as far as this view reaches."""
    raise NotImplementedError
