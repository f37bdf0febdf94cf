"""Reads of what clinics offer: services, who works there, the lines that people wait in."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy import select, tuple_
from sqlalchemy.orm import Session

from phr_api.clinics.models import ClinicQueue, ClinicService, Facility, Practitioner
from phr_api.clinics.queries.directory import find_spellings, holding
from phr_api.kit.problems import NotFound


@dataclass(frozen=True, slots=True)
class ServiceRow:
    """A service as its clinic described it; the fields are the columns of clinic_service."""

    id: UUID
    facility_code: str
    code: str
    name: str
    name_en: str | None
    search_key: str
    kind: str
    minutes: int
    price_vnd: int | None
    visit_kind: str
    departments: list[str]
    preparation: str | None
    classes: list[str]
    questions: list[Any]
    queue_id: UUID | None
    confirms_itself: bool
    respond_minutes: int
    when_unanswered: str
    lead_minutes: int
    cancel_minutes: int
    most_open: int
    has_waitlist: bool
    offer_minutes: int
    asks_still_coming: bool
    created_at: datetime
    ended_at: datetime | None
    version: int


@dataclass(frozen=True, slots=True)
class QueueRow:
    """A line that people wait in: `prefix` before its numbers, `screen_key` for its screen."""

    id: UUID
    facility_code: str
    name: str
    prefix: str
    rooms: list[str]
    screen_key: str
    minutes_each: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceSearch:
    """What is looked for among all clinics' services; None does not matter."""

    words: Sequence[str] = ()
    province: str | None = None
    facility: str | None = None
    kind: str | None = None


Offered = TypeVar("Offered", ClinicService, Practitioner, ClinicQueue)
SERVICE_COLUMNS = tuple(getattr(ClinicService, field.name) for field in fields(ServiceRow))
QUEUE_COLUMNS = tuple(getattr(ClinicQueue, field.name) for field in fields(QueueRow))


def find_service(session: Session, service_id: UUID) -> ServiceRow | None:
    """Return this service, ended or not, or None; by primary key."""
    return find_services(session, [service_id]).get(service_id)


def find_services(session: Session, ids: Iterable[UUID]) -> dict[UUID, ServiceRow]:
    """Services by id, ended ones too; one that is not known is left out. By primary key."""
    wanted = sorted(set(ids))
    if not wanted:
        return {}
    rows = session.execute(select(*SERVICE_COLUMNS).where(ClinicService.id.in_(wanted)))
    return {row.id: ServiceRow(*row) for row in rows}


def find_queues(session: Session, facility_code: str) -> list[QueueRow]:
    """Return a facility's lines that have not ended, by name."""
    query = select(*QUEUE_COLUMNS).where(
        ClinicQueue.facility_code == facility_code, ClinicQueue.ended_at.is_(None)
    )
    rows = session.execute(query.order_by(ClinicQueue.name, ClinicQueue.id))
    return [QueueRow(*row) for row in rows]


def find_queue(session: Session, queue_id: UUID) -> QueueRow | None:
    """Return this line, ended or not, or None; by primary key."""
    row = session.execute(select(*QUEUE_COLUMNS).where(ClinicQueue.id == queue_id)).first()
    return QueueRow(*row) if row else None


def find_services_by_code(session: Session, facility_code: str) -> dict[str, ClinicService]:
    """A facility's services by code, ended ones too."""
    query = select(ClinicService).where(ClinicService.facility_code == facility_code)
    return {row.code: row for row in session.scalars(query)}


def list_services(session: Session, facility_code: str) -> list[ServiceRow]:
    """What a facility offers now, by name; walks uq_clinic_service_facility_code_code."""
    query = select(*SERVICE_COLUMNS).where(
        ClinicService.facility_code == facility_code, ClinicService.ended_at.is_(None)
    )
    ordered = query.order_by(ClinicService.search_key, ClinicService.id)
    return [ServiceRow(*row) for row in session.execute(ordered)]


def search_services(
    session: Session, search: ServiceSearch, *, limit: int, after: tuple[str, str] | None = None
) -> list[ServiceRow]:
    """Services whose search key holds every word, by search key."""
    query = select(*SERVICE_COLUMNS).where(ClinicService.ended_at.is_(None))
    query = query.where(*holding(ClinicService.search_key, search.words))
    if search.facility is not None:
        query = query.where(ClinicService.facility_code == search.facility)
    if search.kind is not None:
        query = query.where(ClinicService.kind == search.kind)
    if search.province is not None:
        there = select(Facility.code).where(
            Facility.province.in_(find_spellings(session, search.province))
        )
        query = query.where(ClinicService.facility_code.in_(there))
    if after is not None:
        place = tuple_(ClinicService.search_key, ClinicService.id)
        query = query.where(place > (after[0], UUID(after[1])))
    ordered = query.order_by(ClinicService.search_key, ClinicService.id).limit(limit)
    return [ServiceRow(*row) for row in session.execute(ordered)]


def get_service(session: Session, facility_code: str, service_id: UUID) -> ClinicService:
    """Return this facility's service, to be changed, or raise NotFound."""
    return _current(session, ClinicService, facility_code, service_id)


def find_practitioner_names(session: Session, ids: Iterable[UUID]) -> dict[UUID, str]:
    """Title and name by id, of those who have left too. By primary key."""
    wanted = sorted(set(ids))
    if not wanted:
        return {}
    query = select(Practitioner.id, Practitioner.title, Practitioner.full_name)
    rows = session.execute(query.where(Practitioner.id.in_(wanted)))
    return {row.id: " ".join(filter(None, (row.title, row.full_name))) for row in rows}


def find_practitioners(session: Session, facility_code: str) -> list[Practitioner]:
    """Who works at a facility now, by name."""
    query = select(Practitioner).where(
        Practitioner.facility_code == facility_code, Practitioner.ended_at.is_(None)
    )
    return list(session.scalars(query.order_by(Practitioner.full_name, Practitioner.id)))


def find_practitioners_of(
    session: Session, facility_code: str, *, licences: Collection[str] | None = None
) -> set[UUID]:
    """Ids of those who work at a facility now; with `licences`, of those who have one of these."""
    query = select(Practitioner.id).where(
        Practitioner.facility_code == facility_code, Practitioner.ended_at.is_(None)
    )
    if licences is not None:
        query = query.where(Practitioner.licence_number.in_(licences))
    return set(session.scalars(query))


def get_practitioner(session: Session, facility_code: str, practitioner_id: UUID) -> Practitioner:
    """Return somebody whom this facility lists, or raise NotFound."""
    return _current(session, Practitioner, facility_code, practitioner_id)


def get_queue(session: Session, facility_code: str, queue_id: UUID) -> ClinicQueue:
    """Return a line of this facility, or raise NotFound."""
    return _current(session, ClinicQueue, facility_code, queue_id)


def _current(session: Session, kind: type[Offered], facility_code: str, row_id: UUID) -> Offered:
    row = session.get(kind, row_id)
    if row is None or row.facility_code != facility_code or row.ended_at is not None:
        raise NotFound
    return row
