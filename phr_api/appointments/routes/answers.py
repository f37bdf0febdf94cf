"""What the views of bookings share: raw answers, the compare of versions, who is at the desk."""

import json
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from flask import Response
from sqlalchemy.orm import Session

from phr_api.appointments.models import Booking
from phr_api.appointments.problems.bookings import StateChanged
from phr_api.appointments.queries.bookings import get_booking
from phr_api.appointments.routes.blueprint import bookings_blp
from phr_api.appointments.rules.states import By
from phr_api.appointments.service.bookings import booking_view
from phr_api.consent import (
    FacilityRole,
    FacilityScope,
    PhoneScope,
    RecordScope,
    open_facility,
    open_record,
)
from phr_api.identity import current_principal, display_name
from phr_api.kit import cursor
from phr_api.kit.db import unit_of_work
from phr_api.kit.idempotency import Created, once
from phr_api.kit.web import current_attempt, demanded_versions, version_tag
from phr_api.vocab import ProfileId

JSON = "application/json"
DESK: frozenset[FacilityRole] = frozenset({"desk"})
READERS: frozenset[FacilityRole] = frozenset({"desk", "doctor", "viewer"})


def raw(text: str, status: int = 200) -> Response:
    """Answer JSON text as it is."""
    return Response(text, status, mimetype=JSON)


def answer(body: Any, status: int = 200) -> Response:
    """Answer what the database made, as JSON."""
    return raw(json.dumps(body, ensure_ascii=False), status)


def shown(
    session: Session,
    scope: RecordScope | FacilityScope | PhoneScope,
    booking: Booking,
    status: int = 200,
) -> Response:
    """Answer a booking as it is now, with its version."""
    bookings_blp.tell_version(booking)
    body = booking_view(session, scope, booking)
    if isinstance(scope, FacilityScope):
        body |= {"etag": version_tag(booking)}
    return answer(body, status)


def changed(
    session: Session,
    scope: RecordScope | FacilityScope | PhoneScope,
    booking: Booking,
    act: Callable[..., Booking],
    actor: By,
) -> Response:
    """Do one action on a booking that is as the caller has read it, and answer what came of it."""
    expected = check_version(booking)
    return shown(session, scope, act(session, booking.id, expected=expected, actor=actor))


def answered_once(
    session: Session,
    scope: RecordScope | PhoneScope,
    booking_id: UUID,
    act: Callable[..., Booking],
    actor: By,
) -> Response:
    """Do one action on a booking once by the Idempotency-Key; the answer is how it is now."""
    booking, status, _ = once(
        session,
        current_attempt(current_principal().principal_id),
        create=lambda: Created(
            entity=act(session, booking_id, actor=actor),
            reference=str(booking_id),
            location=None,
            status=200,
        ),
        again=lambda _: get_booking(session, booking_id),
    )
    return shown(session, scope, booking, status)


def check_version(booking: Booking) -> int:
    """Return the version that is to be changed: the one that If-Match names.

    428 without If-Match; 409 with the current state when it names another: who lost has to see
    what it is now.
    """
    if version_tag(booking) not in demanded_versions():
        raise StateChanged(id=str(booking.id), state=booking.state, version=booking.version)
    return booking.version


@contextmanager
def opened(
    profile_id: UUID, action: str, *, power: str = "see"
) -> Generator[tuple[Session, RecordScope]]:
    """Give a transaction in which this person's bookings can be seen, or changed with `book`."""
    with telling(), unit_of_work() as session:
        yield (
            session,
            open_record(
                session, current_principal(), ProfileId(profile_id), action=action, power=power
            ),
        )


@contextmanager
def at_desk(
    code: str, roles: frozenset[FacilityRole] = DESK
) -> Generator[tuple[Session, FacilityScope]]:
    """Give a transaction in which this facility's bookings can be seen and changed."""
    with telling(), unit_of_work() as session:
        yield session, open_facility(session, current_principal(), code, roles=roles)


@dataclass(slots=True)
class _Current:
    """What a booking was when somebody came too late with its change."""

    id: str
    version: int


@contextmanager
def telling() -> Generator[None]:
    """Add the current ETag to what a loser is told: with it the change can be tried again."""
    try:
        yield
    except StateChanged as lost:
        now = _Current(lost.extensions["id"], lost.extensions["version"])
        lost.extensions["etag"] = version_tag(now)
        raise


def by_staff(session: Session, scope: FacilityScope) -> By:
    """Return this member of staff, by the name of their own membership."""
    account_id = scope.actor.id
    assert account_id is not None  # noqa: S101 - staff have an account
    name = display_name(session, account_id, scope.facility_code)
    return By(kind="staff", id=account_id, name=name)


def page_of(kind: str, items: Sequence[Any], limit: int, key: Sequence[Any]) -> dict[str, Any]:
    """Return a page of at most `limit`; `key` is of each item, what the next page starts after."""
    more = len(items) > limit
    following = cursor.encode(kind, *key[limit - 1]) if more else None
    return {"items": list(items[:limit]), "next": following}
