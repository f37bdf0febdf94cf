"""What a person was asked to come back for."""

from dataclasses import dataclass
from datetime import date
from typing import Literal
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from phr_api.consent import RecordScope

Kind = Literal["follow-up", "medicines-end"]

# Follow-up papers (XML14), days for another visit (XML1 NGAY_TAI_KHAM), last days of medicine. What
# a later visit to the same place answered, from a week before the day on, is left out.
_FIND = text(
    """
    SELECT DISTINCT ON (s.encounter_id, s.kind, s.day)
           s.kind, s.day, e.facility_code, s.paper_id, s.encounter_id, e.departments, s.doctors
    FROM (
        SELECT 'follow-up' AS kind, p.appointment_on AS day, p.id AS paper_id, p.encounter_id,
               p.details ->> 'doctorCode' AS doctors
        FROM paper p
        WHERE p.profile_id = :profile AND p.status = 'current' AND p.kind = 'follow-up'
        UNION ALL
        SELECT 'follow-up', CAST(d.day AS date), NULL, v.id, NULL
        FROM encounter v, jsonb_array_elements_text(v.revisit_on) d (day)
        WHERE v.profile_id = :profile AND v.status = 'current'
        UNION ALL
        SELECT 'medicines-end', v.medicines_until, NULL, v.id, NULL
        FROM encounter v WHERE v.profile_id = :profile AND v.status = 'current'
    ) s (kind, day, paper_id, encounter_id, doctors)
    JOIN encounter e ON e.profile_id = :profile AND e.id = s.encounter_id AND e.status = 'current'
    WHERE s.day BETWEEN :since AND :until
      AND NOT EXISTS (
          SELECT 1 FROM encounter l
          WHERE l.profile_id = :profile AND l.status = 'current'
            AND l.facility_code = e.facility_code AND l.started_at > e.started_at
            AND (l.started_at AT TIME ZONE 'Asia/Ho_Chi_Minh')::date >= s.day - 7)
    ORDER BY s.encounter_id, s.kind, s.day, s.paper_id NULLS LAST
    """.replace("::", "\\:\\:")
)


@dataclass(frozen=True, slots=True, kw_only=True)
class FollowUp:
    """A day on which somebody should come back, what says so, and to whom.

    `departments` are those of the visit (MA_KHOA), `doctors` the licence numbers on the paper.
    """

    kind: Kind
    on: date
    facility_code: str
    paper_id: UUID | None = None
    encounter_id: UUID | None = None
    departments: tuple[str, ...] = ()
    doctors: tuple[str, ...] = ()


def find_follow_ups(
    session: Session, scope: RecordScope, *, since: date, until: date
) -> list[FollowUp]:
    """Days between `since` and `until` that the book names, as far as this view reaches, by day.

    The last day of medicine is left out where the same visit names a day to come back. Reads one
    person's papers and visits, found by the primary keys.
    """
    rows = session.execute(_FIND, {"profile": scope.profile_id, "since": since, "until": until})
    found = [
        FollowUp(
            kind=row.kind,
            on=row.day,
            facility_code=row.facility_code,
            paper_id=row.paper_id,
            encounter_id=row.encounter_id,
            departments=tuple(row.departments),
            doctors=tuple(filter(None, map(str.strip, (row.doctors or "").split(";")))),
        )
        for row in rows
    ]
    asked = {one.encounter_id for one in found if one.kind == "follow-up"}
    kept = [one for one in found if one.kind == "follow-up" or one.encounter_id not in asked]
    return sorted(kept, key=lambda one: (one.on, one.facility_code, str(one.encounter_id)))
