"""What a desk says of its clinic: services, who works there, the lines that people wait in."""

import secrets
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Any
from uuid import UUID

from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from phr_api import audit
from phr_api.clinics.models import ClinicQueue, ClinicService, Practitioner
from phr_api.clinics.problems import PractitionerListed, ServiceCodeTaken
from phr_api.clinics.queries import get_facility, get_queue
from phr_api.consent import FacilityScope
from phr_api.kit import clock, events
from phr_api.kit.ids import new_row_id
from phr_api.kit.problems import Problem
from phr_api.vocab import search_key

TAKEN: dict[str, type[Problem]] = {
    "uq_clinic_service_facility_code_code": ServiceCodeTaken,
    "uq_practitioner_facility_code_licence_number": PractitionerListed,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class NewService:
    """A service as its clinic describes it; `code` is None where it stays what it is."""

    code: str | None = None
    name: str
    name_en: str | None = None
    kind: str = "on-site"
    minutes: int = 15
    price_vnd: int | None = None
    visit_kind: str = "other"
    departments: Sequence[str] = ()
    preparation: str | None = None
    classes: Sequence[str] = ()
    questions: Sequence[dict[str, Any]] = ()
    queue_id: UUID | None = None
    confirms_itself: bool = False
    respond_minutes: int = 240
    when_unanswered: str = "decline"
    lead_minutes: int = 60
    cancel_minutes: int = 120
    most_open: int = 2
    has_waitlist: bool = True
    offer_minutes: int = 30
    asks_still_coming: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class NewPractitioner:
    """Somebody whom a clinic lists."""

    full_name: str
    title: str | None = None
    licence_number: str
    specialty: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NewQueue:
    """A line that people wait in."""

    name: str
    prefix: str = ""
    rooms: Sequence[str] = ()
    minutes_each: int = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceChanged:
    """Event: a service's rules are others now, or it is given no more."""

    service_id: UUID


def add_service(session: Session, scope: FacilityScope, new: NewService) -> ClinicService:
    """Offer a service.

    Raises ServiceCodeTaken; NotFound when its queue is not this facility's, and when the directory
    does not know the facility.
    """
    get_facility(session, scope.facility_code)
    row = ClinicService(
        id=new_row_id(), facility_code=scope.facility_code, created_at=clock.now(), code=new.code
    )
    _describe(session, scope, row, new)
    session.add(row)
    with _no_double():
        session.flush()  # the unique index decides
    _trace(session, scope, "service.add", row.id)
    return row


def change_service(
    session: Session, scope: FacilityScope, row: ClinicService, new: NewService
) -> None:
    """Describe the service anew; its code stays, since slots and papers name it."""
    _describe(session, scope, row, new)
    session.flush()  # its version is the answer's
    events.publish(session, ServiceChanged(service_id=row.id))
    _trace(session, scope, "service.change", row.id)


def end_service(session: Session, scope: FacilityScope, row: ClinicService) -> None:
    """Offer the service no more: nothing new can be booked; what is booked stays."""
    row.ended_at = clock.now()
    session.flush()
    events.publish(session, ServiceChanged(service_id=row.id))
    _trace(session, scope, "service.end", row.id)


def _describe(session: Session, scope: FacilityScope, row: ClinicService, new: NewService) -> None:
    if new.queue_id is not None:
        get_queue(session, scope.facility_code, new.queue_id)
    for name, value in asdict(new).items():
        if name != "code":
            setattr(row, name, list(value) if isinstance(value, tuple) else value)
    row.search_key = service_key(row.code, new.name, new.name_en)


def service_key(code: str, name: str, name_en: str | None) -> str:
    """Return what a service is found by: name, English name and code, without diacritics."""
    return search_key(" ".join(filter(None, (name, name_en, code))))


def add_practitioner(session: Session, scope: FacilityScope, new: NewPractitioner) -> Practitioner:
    """List somebody. Raises PractitionerListed when the licence is listed already, NotFound."""
    get_facility(session, scope.facility_code)
    row = Practitioner(
        id=new_row_id(), facility_code=scope.facility_code, created_at=clock.now(), **asdict(new)
    )
    session.add(row)
    with _no_double():
        session.flush()
    _trace(session, scope, "practitioner.add", row.id)
    return row


def change_practitioner(
    session: Session, scope: FacilityScope, row: Practitioner, new: NewPractitioner
) -> None:
    """List somebody with other words. Raises PractitionerListed."""
    for name, value in asdict(new).items():
        setattr(row, name, value)
    with _no_double():
        session.flush()
    _trace(session, scope, "practitioner.change", row.id)


def end_practitioner(session: Session, scope: FacilityScope, row: Practitioner) -> None:
    """List somebody no more; their schedules are the desk's to change."""
    row.ended_at = clock.now()
    _trace(session, scope, "practitioner.end", row.id)


def add_queue(session: Session, scope: FacilityScope, new: NewQueue) -> ClinicQueue:
    """Open a line; its screen is found by a key that nobody can guess. Raises NotFound."""
    get_facility(session, scope.facility_code)
    row = ClinicQueue(
        id=new_row_id(),
        facility_code=scope.facility_code,
        screen_key=secrets.token_urlsafe(16),
        created_at=clock.now(),
        **asdict(new) | {"rooms": list(new.rooms)},
    )
    session.add(row)
    session.flush()  # before its trace
    _trace(session, scope, "queue.add", row.id)
    return row


def change_queue(session: Session, scope: FacilityScope, row: ClinicQueue, new: NewQueue) -> None:
    """Describe a line anew."""
    for name, value in asdict(new).items():
        setattr(row, name, list(value) if name == "rooms" else value)
    _trace(session, scope, "queue.change", row.id)


@contextmanager
def _no_double() -> Generator[None]:
    try:
        yield
    except IntegrityError as error:
        name = getattr(getattr(error.orig, "diag", None), "constraint_name", "")
        if name in TAKEN:
            raise TAKEN[name] from error
        raise


def _trace(session: Session, scope: FacilityScope, action: str, what: UUID) -> None:
    audit.record(session, scope.actor, action=action, subjects=[], details={"id": str(what)})
