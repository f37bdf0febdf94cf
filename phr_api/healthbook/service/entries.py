"""What people enter themselves: allergies, illnesses, measurements. One use case a function."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from phr_api.consent import RecordScope
from phr_api.healthbook import rules
from phr_api.healthbook.models import LIVE, MISTAKEN, Allergy, Condition, Entry, Measurement
from phr_api.healthbook.problems import (
    EntryHidden,
    EntryOfAnother,
    MeasurementImplausible,
    MeasurementUnitUnknown,
    MomentInFuture,
)
from phr_api.healthbook.rules import MeasurementKind
from phr_api.kit import clock
from phr_api.kit.ids import new_row_id
from phr_api.kit.problems import NotFound
from phr_api.vocab import classes_of_codes, classes_of_text

# A phone's clock may run a little ahead of ours.
CLOCK_TOLERANCE = timedelta(minutes=10)

EntryT = TypeVar("EntryT", Allergy, Condition)


@dataclass(frozen=True, slots=True, kw_only=True)
class NewAllergy:
    substance: str
    category: str
    severity: str | None = None
    reaction: str | None = None
    noted_on: str | None = None
    ended_on: date | None = None
    note: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NewCondition:
    name: str
    code: str | None = None
    onset: str | None = None
    ended_on: date | None = None
    note: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NewMeasurement:
    """`value` is the systolic pressure for blood pressure; `client_id` is the phone's own id."""

    client_id: str
    kind: MeasurementKind
    value: Decimal
    diastolic: Decimal | None = None
    unit: str
    taken_at: datetime
    note: str | None = None


NewEntry = NewAllergy | NewCondition | NewMeasurement


def add_allergy(session: Session, scope: RecordScope, new: NewAllergy) -> Allergy:
    """Enter an allergy. Raises MomentInFuture, EntryHidden."""
    entry = Allergy(**_made(scope, _classes(new)), **asdict(new))
    return _add(session, scope, entry, new)


def add_condition(session: Session, scope: RecordScope, new: NewCondition) -> Condition:
    """Enter an illness, labelled by its code and words as intake labels a diagnosis."""
    entry = Condition(**_made(scope, _classes(new)), **asdict(new))
    return _add(session, scope, entry, new)


def change_entry(session: Session, scope: RecordScope, entry: Entry, new: NewEntry) -> None:
    """Replace what was entered by a new one of its kind; the caller has compared the version.

    The phone's id of a measurement stays as it was. Raises MomentInFuture, EntryHidden,
    EntryOfAnother, and what `add_measurements` raises.
    """
    _may_change(scope, entry)
    if isinstance(new, NewMeasurement) and isinstance(entry, Measurement):
        _check_measurements([new])
        new = replace(new, client_id=entry.client_id)
    _check_moments(new)
    classes = _classes(new)
    _may_write(scope, classes)
    for name, value in asdict(new).items():
        setattr(entry, name, value)
    entry.classes = classes
    entry.updated_at = clock.now()
    session.flush()  # the new version is needed for the ETag


def add_measurements(
    session: Session, scope: RecordScope, new: Sequence[NewMeasurement]
) -> list[UUID]:
    """Enter a batch; returns the ids in its order. All or nothing.

    A client id that this account sent before is the same measurement, and stays as it is now:
    a phone sends what it is not sure of again. Raises MeasurementUnitUnknown,
    MeasurementImplausible, MomentInFuture, EntryHidden.
    """
    _check_measurements(new)
    rows = [_measurement_row(scope, one) for one in new]
    statement = insert(Measurement).values(rows)
    session.execute(
        statement.on_conflict_do_nothing(index_elements=["profile_id", "recorded_by", "client_id"])
    )
    stored = select(Measurement.client_id, Measurement.id).where(
        Measurement.profile_id == scope.profile_id,
        Measurement.recorded_by == scope.actor.id,
        Measurement.client_id.in_([one.client_id for one in new]),
    )
    ids = dict(session.execute(stored).all())
    return [ids[one.client_id] for one in new]


def _measurement_row(scope: RecordScope, new: NewMeasurement) -> dict[str, Any]:
    classes = _classes(new)
    _may_write(scope, classes)
    return _made(scope, classes) | asdict(new) | {"kind": new.kind.value, "version": 1}


def withdraw_entry(session: Session, scope: RecordScope, entry: Entry) -> None:
    """Mark an entry as made by mistake: gone from every list, a tombstone in the feed.

    Raises EntryOfAnother when a carer takes back what somebody else entered.
    """
    _may_change(scope, entry)
    _may_write(scope, entry.classes)
    entry.status = MISTAKEN
    entry.updated_at = clock.now()
    session.flush()  # the trigger's tombstone belongs to this transaction, as the caller's answer


def _made(scope: RecordScope, classes: list[str]) -> dict[str, Any]:
    now = clock.now()
    if scope.actor.id is None:
        raise NotFound  # an operator enters nothing for a citizen
    return {
        "id": new_row_id(),
        "profile_id": scope.profile_id,
        "classes": classes,
        "status": LIVE,
        "source": "self" if scope.relation == "self" else "carer",
        "recorded_by": scope.actor.id,
        "created_at": now,
        "updated_at": now,
    }


def _add(session: Session, scope: RecordScope, entry: EntryT, new: object) -> EntryT:
    _check_moments(new)
    _may_write(scope, entry.classes)
    session.add(entry)
    session.flush()  # its version is needed for the ETag
    return entry


def _classes(new: object) -> list[str]:
    """Classes of what people typed, by the same words and codes as a hospital's diagnosis."""
    texts = (getattr(new, name, None) for name in ("name", "substance", "reaction", "note"))
    code = getattr(new, "code", None)
    found = set(classes_of_codes([code] if code else []))
    found |= set(classes_of_text(*(text for text in texts if text)))
    return sorted(found)


def _may_write(scope: RecordScope, classes: Sequence[str]) -> None:
    if not set(classes) <= scope.classes:
        raise EntryHidden


def _may_change(scope: RecordScope, entry: Entry) -> None:
    # to see a record is enough to enter something, not to undo what others entered (R17)
    if scope.relation != "self" and entry.recorded_by != scope.actor.id:
        raise EntryOfAnother


def _check_moments(new: object) -> None:
    latest = clock.today()
    ended_on = getattr(new, "ended_on", None)
    begun = getattr(new, "noted_on", None) or getattr(new, "onset", None)
    # a partial date sorts as text: "2026" and "2026-11" come before each of their days
    if (ended_on and ended_on > latest) or (begun and begun > latest.isoformat()):
        raise MomentInFuture


def _check_measurements(batch: Sequence[NewMeasurement]) -> None:
    latest = clock.now() + CLOCK_TOLERANCE
    wrong = []
    for index, new in enumerate(batch):
        if not rules.known_unit(new.kind, new.unit):
            units = sorted(rules.RANGES[new.kind])
            raise MeasurementUnitUnknown(errors={"item": index, "kind": new.kind, "units": units})
        if new.taken_at > latest:
            raise MomentInFuture(errors={"item": index, "field": "takenAt"})
        fault = rules.find_fault(new.kind, new.unit, new.value, new.diastolic)
        if fault:
            wrong.append(_described(index, new.kind, fault))
    if wrong:
        raise MeasurementImplausible(errors=wrong)


def _described(index: int, kind: MeasurementKind, fault: rules.Fault) -> dict[str, Any]:
    return {
        "item": index,
        "field": fault.field,
        "kind": kind,
        "unit": fault.unit,
        "lowest": float(fault.range.lowest),
        "highest": float(fault.range.highest),
    }
