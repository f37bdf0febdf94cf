"""What a facility orders about a visit it sent; the worker carries it out (`carry_out`).

The web process may neither write a book nor open an original, so an order is a row and a task.
"""

from threading import Event
from typing import Any
from uuid import UUID

from sqlalchemy import insert
from sqlalchemy.orm import Session

from phr_api import audit
from phr_api.consent import FacilityScope
from phr_api.kit import clock
from phr_api.kit.db import set_scope, unit_of_work
from phr_api.kit.ids import new_row_id
from phr_api.records.models import (
    IntakeWork,
    OrderKind,
    OrderState,
    ReceivedVisit,
    VisitOrder,
    VisitState,
    WorkKind,
)
from phr_api.records.problems import OrderWaiting, ReviewDecided, VisitNotCurrent
from phr_api.records.queries import visits as queries
from phr_api.records.service import queue
from phr_api.records.service.commands import Decision, Reattachment


def order_withdrawal(session: Session, scope: FacilityScope, ma_lk: str, reason: str) -> VisitOrder:
    """Order that the newest version is marked as withdrawn.

    Raises NotFound, VisitNotCurrent when it is withdrawn already, OrderWaiting.
    """
    versions = queries.get_versions(session, scope.facility_code, ma_lk)
    live = [v for v in versions if v.state in {VisitState.CURRENT, VisitState.NEEDS_REVIEW}]
    if not live:
        raise VisitNotCurrent
    return _place(session, scope.actor, live[0], OrderKind.WITHDRAWAL, reason=reason)


def order_decision(
    session: Session, scope: FacilityScope, visit_id: UUID, command: Decision
) -> VisitOrder:
    """Order that a waiting visit is attached as decided.

    Raises NotFound, ReviewDecided when it waits no longer, OrderWaiting.
    """
    visit = queries.get_review(session, scope.facility_code, visit_id)
    if visit.state != VisitState.NEEDS_REVIEW:
        raise ReviewDecided
    return _place(
        session,
        scope.actor,
        visit,
        OrderKind.DECISION,
        reason=command.reason,
        decision=command.decision,
    )


def order_reattachment(
    session: Session, scope: FacilityScope, ma_lk: str, command: Reattachment
) -> VisitOrder:
    """Order that the current version leaves its book for the person it belongs to (R13).

    Raises NotFound, VisitNotCurrent when no version is in a book, OrderWaiting.
    """
    return _order_reattachment(session, scope.actor, scope.facility_code, ma_lk, command)


def reattach_as_operator(facility_code: str, ma_lk: str, command: Reattachment) -> str | None:
    """Order as order_reattachment does and carry it out at once; the code of its refusal, or None.

    Raises what order_reattachment does.
    """
    actor = audit.Actor(kind="operator", id=None, facility_code=facility_code)
    with unit_of_work() as session:
        set_scope(session, facility_id=facility_code)
        order_id = _order_reattachment(session, actor, facility_code, ma_lk, command).id
    queue.work_on(order_id, Event())
    with unit_of_work() as session:
        set_scope(session, facility_id=facility_code)
        return session.get_one(VisitOrder, order_id).refusal


def _order_reattachment(
    session: Session,
    actor: audit.Actor,
    facility_code: str,
    ma_lk: str,
    command: Reattachment,
) -> VisitOrder:
    versions = queries.get_versions(session, facility_code, ma_lk)
    current = next((v for v in versions if v.state == VisitState.CURRENT), None)
    if current is None:
        raise VisitNotCurrent
    return _place(
        session,
        actor,
        current,
        OrderKind.REATTACHMENT,
        reason=command.reason,
        person=command.person.to_json(),
    )


def _place(
    session: Session,
    actor: audit.Actor,
    visit: ReceivedVisit,
    kind: OrderKind,
    *,
    reason: str,
    decision: str | None = None,
    person: dict[str, Any] | None = None,
) -> VisitOrder:
    if queries.has_waiting_order(session, visit.facility_code, visit.ma_lk):
        raise OrderWaiting
    order = VisitOrder(
        id=new_row_id(),
        facility_code=visit.facility_code,
        ma_lk=visit.ma_lk,
        visit_id=visit.id,
        kind=kind,
        decision=decision,
        reason=reason,
        person=person,
        actor_kind=actor.kind,
        actor_id=actor.id,
        state=OrderState.WAITING,
        ordered_at=clock.now(),
    )
    session.add(order)
    session.execute(
        insert(IntakeWork).values(
            id=order.id,
            kind=WorkKind.ORDER,
            facility_code=visit.facility_code,
            received_at=order.ordered_at,
            due_at=order.ordered_at,
        )
    )
    return order
