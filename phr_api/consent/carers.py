"""A parent as carer of a child's record, recorded at a desk or by an operator (R17)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from phr_api import audit
from phr_api.consent.models import AgeRule, Carer
from phr_api.consent.problems import AlreadyCarer, CarerNotFound, NotAMinor
from phr_api.kit import clock
from phr_api.kit.db import set_scope
from phr_api.kit.ids import new_row_id
from phr_api.kit.limits import Limit
from phr_api.kit.problems import NotFound
from phr_api.vocab import Section
from phr_api.vocab.identifiers import classify_person_number
from phr_api.vocab.names import name_key

# A desk records a family now and then; nobody tries one number again and again (R11, R24).
RECORDED = Limit(name="carer recorded", count=30, per=timedelta(hours=1))
RECORDED_FOR = Limit(name="carer recorded for number", count=5, per=timedelta(hours=24))

_PAIR = (
    "(:child_system, :child_value, :child_name, :child_birth,"
    " :carer_system, :carer_value, :carer_name, :carer_birth)"
)
_FIND = text(f"SELECT child_id, child_birth, account_id FROM find_carer_pair{_PAIR}")  # noqa: S608
_FIND_AS_OPERATOR = text(
    f"SELECT child_id, child_birth, account_id FROM find_carer_pair_seen{_PAIR}"  # noqa: S608
)


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenPerson:
    """A person as the documents on the desk name them: number, name, birth as in PartialDate."""

    number: str
    full_name: str
    birth: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NewCarer:
    """Who shall open whose record, with which powers, and which paper proves it."""

    child: SeenPerson
    carer: SeenPerson
    relation: str
    powers: Sequence[str]
    reason: str


def record_carer(session: Session, actor: audit.Actor, new: NewCarer) -> Carer:
    """Let the carer's account open the child's record until the child is 18.

    Both are found only when number, name and birth all agree with a number that is verified or was
    received from a hospital, and the carer has an account (R11). Raises CarerNotFound, NotAMinor,
    AlreadyCarer.
    """
    find = _FIND_AS_OPERATOR if actor.kind == "operator" else _FIND
    found = session.execute(find, _find_values(new)).one_or_none()
    if found is None or found.account_id is None:
        raise CarerNotFound
    at = clock.now()
    ends_at = _birthday(found.child_birth, _years(session, "carer-ends"))
    if ends_at <= at:
        raise NotAMinor
    set_scope(
        session,
        profile_id=found.child_id,
        sections=[Section.PROFILE],
        facility_id=actor.facility_code,
    )
    carer = Carer(
        id=new_row_id(),
        profile_id=found.child_id,
        account_id=found.account_id,
        relation=new.relation,
        powers=list(new.powers),
        starts_at=at,
        ends_at=ends_at,
        recorded_by=actor.id,
        facility_code=actor.facility_code,
        reason=new.reason,
        suspended_at=None,
        ended_at=None,
        created_at=at,
    )
    session.add(carer)
    try:
        session.flush()  # the unique index decides between two desks
    except IntegrityError as error:
        if getattr(getattr(error.orig, "diag", None), "constraint_name", "") == "uq_carer_live":
            raise AlreadyCarer from error
        raise
    audit.record(session, actor, action="carer.record", subjects=[found.child_id])
    return carer


def find_carers(session: Session, facility_code: str) -> list[Carer]:
    """Return the carers that this facility recorded and that have not ended, newest first."""
    query = select(Carer).where(Carer.facility_code == facility_code, Carer.ended_at.is_(None))
    return list(session.scalars(query.order_by(Carer.created_at.desc()).limit(100)))


def get_carer(session: Session, actor: audit.Actor, carer_id: UUID) -> Carer:
    """Return a carer that has not ended, or NotFound.

    A facility finds those it recorded; an operator those of the person they set as scope.
    """
    query = select(Carer).where(Carer.id == carer_id, Carer.ended_at.is_(None))
    if actor.kind != "operator":
        query = query.where(Carer.facility_code == actor.facility_code)
    carer = session.scalar(query)
    if carer is None:
        raise NotFound
    return carer


def suspend_carer(session: Session, actor: audit.Actor, carer_id: UUID, reason: str) -> Carer:
    """Close the record to this carer at once; NotFound unless the facility recorded them."""
    carer = get_carer(session, actor, carer_id)
    carer.suspended_at = carer.suspended_at or clock.now()
    audit.record(session, actor, action="carer.suspend", subjects=[carer.profile_id], reason=reason)
    return carer


def _find_values(new: NewCarer) -> dict[str, str]:
    values: dict[str, str] = {}
    for who, person in (("child", new.child), ("carer", new.carer)):
        number = classify_person_number(person.number)
        if number is None:
            raise CarerNotFound
        values |= {
            f"{who}_system": number[0],
            f"{who}_value": number[1],
            f"{who}_name": name_key(person.full_name),
            f"{who}_birth": person.birth,
        }
    return values


def _years(session: Session, rule: str) -> int:
    return session.execute(select(AgeRule.years).where(AgeRule.name == rule)).scalar_one()


def _birthday(birth: date, years: int) -> datetime:
    """The start of that birthday in Viet Nam; a child of 29 February comes of age on 1 March."""
    try:
        day = birth.replace(year=birth.year + years)
    except ValueError:
        day = date(birth.year + years, 3, 1)
    return datetime.combine(day, time(), clock.VIETNAM)
