"""What people do with their own bookings: cancel, and say that they are still coming."""

import json
from collections.abc import Mapping
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from phr_api import clinics
from phr_api.appointments.models import Booking
from phr_api.appointments.problems.bookings import AnswersNeeded, TooLate
from phr_api.appointments.queries.bookings import get_booking
from phr_api.appointments.rules.states import By
from phr_api.appointments.service.changing import OPEN, transition
from phr_api.appointments.service.desk import CONFIRMED, end_booking
from phr_api.appointments.service.lateness import counts_as_late
from phr_api.appointments.service.refusals import wrong_answer
from phr_api.kit import clock
from phr_api.kit.problems import InvalidRequest

_WRONG_ANSWER = text("SELECT wrong_answer(CAST(:questions AS jsonb), CAST(:answers AS jsonb))")


def cancel(
    session: Session, booking_id: UUID, *, reason: str | None, expected: int | None, actor: By
) -> Booking:
    """Cancel before the booking begins; late ones are counted by the rule of the service.

    Raises StateChanged, TooLate.
    """
    before = get_booking(session, booking_id, is_locked=True)
    if before.starts_at <= clock.now():
        raise TooLate
    service = clinics.find_service(session, before.service_id)
    notice = service.cancel_minutes if service else 0
    return end_booking(
        session,
        booking_id,
        allowed=OPEN,
        expected=expected,
        values={
            "state": "cancelled",
            "cancelled_by": actor.kind,
            "is_late": counts_as_late(session, before, notice_minutes=notice),
        },
        what="cancelled",
        actor=actor,
        note=reason,
    )


def change(
    session: Session, booking: Booking, values: Mapping[str, object], *, actor: By
) -> Booking:
    """Change what the person told with the booking: reason, answers, shows_names.

    Raises StateChanged when it is open no more, AnswersNeeded when a needed one would be gone,
    InvalidRequest for an answer that is not of the kind that is asked for.
    """
    service = clinics.find_service(session, booking.service_id)
    if values.get("shows_names", booking.shows_names) != booking.shows_names:
        values = {**values, "sequence": booking.sequence + 1}  # the calendar shows another title
    answers = values.get("answers")
    if service is not None and isinstance(answers, Mapping):
        needed = [one["id"] for one in service.questions if one.get("isRequired")]
        if not all(answers.get(each) for each in needed):
            raise AnswersNeeded
        sent = {"questions": json.dumps(service.questions), "answers": json.dumps(answers)}
        wrong = session.scalar(_WRONG_ANSWER, sent)
        if wrong is not None:
            raise InvalidRequest(errors={"json": wrong_answer(wrong)})
    return transition(
        session,
        booking.id,
        allowed=OPEN,
        expected=booking.version,
        values=values,
        what="changed",
        actor=actor,
    )


def say_still_coming(session: Session, booking_id: UUID, *, coming: bool, actor: By) -> Booking:
    """Keep the seat, or give it to the waitlist. Raises StateChanged, TooLate."""
    if not coming:
        return cancel(session, booking_id, reason=None, expected=None, actor=actor)
    if get_booking(session, booking_id, is_locked=True).starts_at <= clock.now():
        raise TooLate
    return transition(
        session,
        booking_id,
        allowed=CONFIRMED,
        expected=None,
        values={"still_coming": "yes"},
        what="still-coming",
        actor=actor,
    )
