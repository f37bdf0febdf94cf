"""Reads of received visits, their history and what was ordered about them."""

from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import func, select, tuple_
from sqlalchemy.orm import Session

from phr_api.kit.db import run
from phr_api.kit.problems import NotFound
from phr_api.records.models import OrderState, ReceivedVisit, VisitOrder, VisitState

# Each hash is looked up by itself (OFFSET 0): a plan made while the table was small would read the
# whole index of the facility, then and later.
CURRENT = """
    SELECT sent.sha256, r.id, r.ma_lk, r.ma_bn, r.original_id
    FROM unnest(CAST(%(hashes)s AS bytea[])) AS sent (sha256)
    CROSS JOIN LATERAL (SELECT v.id, v.ma_lk, v.ma_bn, v.original_id FROM received_visit v
        WHERE v.facility_code = %(facility)s AND v.raw_sha256 = sent.sha256
          AND v.state = 'current' AND v.ended_at IS NULL OFFSET 0) r
    WHERE NOT EXISTS (SELECT 1 FROM received_visit w
        WHERE w.facility_code = %(facility)s AND w.ma_lk = r.ma_lk
          AND w.state = 'needs-review' OFFSET 0)
"""


class Current(NamedTuple):
    """A version in force, as far as a visit that says the same needs it."""

    raw_sha256: bytes
    id: UUID
    ma_lk: str
    ma_bn: str | None
    original_id: UUID


def find_current(session: Session, facility_code: str, hashes: list[bytes]) -> dict[bytes, Current]:
    """Return the facility's versions in force whose very bytes have these SHA-256.

    One beside which another version waits is left out: that one has to be ended, under a lock.
    """
    values = {"facility": facility_code, "hashes": hashes}
    found = [Current(*row) for row in run(session, CURRENT, values, binary=True)]
    return {version.raw_sha256: version for version in found}


def find_versions(session: Session, facility_code: str, ma_lk: str) -> list[ReceivedVisit]:
    """Every version of a visit, newest first; by (facility_code, ma_lk, version)."""
    query = select(ReceivedVisit).where(
        ReceivedVisit.facility_code == facility_code, ReceivedVisit.ma_lk == ma_lk
    )
    return list(session.scalars(query.order_by(ReceivedVisit.version.desc())))


def get_versions(session: Session, facility_code: str, ma_lk: str) -> list[ReceivedVisit]:
    """As find_versions; NotFound when the facility sent no such visit."""
    versions = find_versions(session, facility_code, ma_lk)
    if not versions:
        raise NotFound
    return versions


def find_concerned(session: Session, visit_ids: Iterable[UUID]) -> list[UUID]:
    """Whom these versions concern, each person once; for the trace, never to be shown.

    Whose book a version is in; while it waits, who is known by its number.
    """
    person = func.coalesce(ReceivedVisit.profile_id, ReceivedVisit.candidate_id)
    query = select(person).where(ReceivedVisit.id.in_(list(visit_ids)), person.is_not(None))
    return list(session.scalars(query.distinct()))


def find_orders(session: Session, facility_code: str, ma_lk: str) -> list[VisitOrder]:
    """What was ordered about a visit, newest first; by ix_visit_order_visit."""
    query = select(VisitOrder).where(
        VisitOrder.facility_code == facility_code, VisitOrder.ma_lk == ma_lk
    )
    return list(session.scalars(query.order_by(VisitOrder.ordered_at.desc(), VisitOrder.id)))


def get_order(session: Session, facility_code: str, order_id: UUID) -> VisitOrder:
    """Return an order of the facility, or raise NotFound."""
    found = session.get(VisitOrder, order_id)
    if found is None or found.facility_code != facility_code:
        raise NotFound
    return found


def has_waiting_order(session: Session, facility_code: str, ma_lk: str) -> bool:
    """Whether the worker still has an order about this visit before it."""
    query = select(func.count()).where(
        VisitOrder.facility_code == facility_code,
        VisitOrder.ma_lk == ma_lk,
        VisitOrder.state == OrderState.WAITING,
    )
    return bool(session.scalar(query))


def get_review(session: Session, facility_code: str, visit_id: UUID) -> ReceivedVisit:
    """Return a version of a visit, waiting for a decision or not; NotFound otherwise."""
    found = session.get(ReceivedVisit, visit_id)
    if found is None or found.facility_code != facility_code:
        raise NotFound
    return found


def find_reviews(
    session: Session,
    facility_code: str,
    *,
    limit: int,
    after: tuple[datetime, UUID] | None = None,
) -> list[ReceivedVisit]:
    """Visits that wait for a decision, the oldest first; by ix_received_visit_reviews."""
    place = (ReceivedVisit.received_at, ReceivedVisit.id)
    query = select(ReceivedVisit).where(
        ReceivedVisit.facility_code == facility_code,
        ReceivedVisit.state == VisitState.NEEDS_REVIEW,
    )
    if after:
        query = query.where(tuple_(*place) > after)
    return list(session.scalars(query.order_by(*place).limit(limit)))


def count_reviews(session: Session, facility_code: str) -> int:
    """How many visits wait for a decision."""
    query = select(func.count()).where(
        ReceivedVisit.facility_code == facility_code,
        ReceivedVisit.state == VisitState.NEEDS_REVIEW,
    )
    return session.scalar(query) or 0
