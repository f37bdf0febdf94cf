"""Opening a record: the right is checked, the scope set, the trace written - or nothing is seen.

`RecordScope` is the proof that a query needs. Only this module makes one.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Literal, NoReturn

from sqlalchemy import text
from sqlalchemy.orm import Session

from phr_api import audit
from phr_api.consent.problems import RecordSignInNeeded
from phr_api.identity import Principal, find_client_scopes
from phr_api.kit import clock
from phr_api.kit.db import do, set_scope
from phr_api.kit.events import publish
from phr_api.kit.problems import NotAllowed, NotFound, NotSignedIn
from phr_api.vocab import ProfileId, Section, SensitivityClass

Relation = Literal["self", "carer", "intake"]
FacilityRole = Literal["desk", "doctor", "viewer", "system"]
ALL_CLASSES, ALL_SECTIONS = frozenset(SensitivityClass), frozenset(Section)
SYSTEM_SCOPE = "records.write"  # R6: what a facility's system is there for
DIRECTORY_SCOPE = "facilities.write"

_OPEN = text(
    "SELECT is_live, assurance, relation, powers, classes"
    " FROM open_record(:account, :session, :profile, :power, :at)"
)

_OPEN_FACILITY = text(
    "SELECT is_live, roles FROM open_facility(:account, :session, :client, :facility, :at)"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordScope:
    """Proof that this actor may work on this person's record, and how far the view reaches."""

    actor: audit.Actor
    profile_id: ProfileId
    relation: Relation
    powers: frozenset[str]
    classes: frozenset[SensitivityClass]
    sections: frozenset[Section]

    @property
    def is_full_view(self) -> bool:
        """Whether this is the owner's full view, the only one that snapshots may serve (R8)."""
        return self.relation == "self" and self.sections == ALL_SECTIONS


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordOpened:
    """Somebody opened somebody else's record, in this transaction.

    `is_emergency`: under break-glass (R20).
    """

    actor: audit.Actor
    profile_id: ProfileId
    at: datetime
    is_emergency: bool = False


def open_record(
    session: Session,
    principal: Principal,
    profile_id: ProfileId,
    *,
    action: str,
    power: str = "see",
    reason: str | None = None,
) -> RecordScope:
    """Check the right to the record in the caller's transaction and set its scope.

    The trace of somebody else's record is written in the same transaction; a refusal in its own.
    Raises NotSignedIn when the session ended, RecordSignInNeeded (403) when it is not one at record
    level (R2), NotFound when there is no right or no such person: the two are not told apart.
    """
    actor = principal.actor
    if principal.kind == "system":
        refuse(actor, action=action, profile_id=profile_id)
    right = session.execute(
        _OPEN,
        {
            "account": principal.account_id,
            "session": principal.session_id,
            "profile": profile_id,
            "power": power,
            "at": clock.now(),
        },
    ).one()
    return judge(session, principal, profile_id, right, action=action, reason=reason)


def judge(
    session: Session,
    principal: Principal,
    profile_id: ProfileId,
    right: Any,
    *,
    action: str,
    reason: str | None = None,
) -> RecordScope:
    """Turn a row of the SQL function open_record into a scope and its trace, or a refusal."""
    if not right.is_live:
        raise NotSignedIn
    if right.assurance != "record":
        raise RecordSignInNeeded
    if right.relation is None:
        refuse(principal.actor, action=action, profile_id=profile_id)
    scope = RecordScope(
        actor=principal.actor,
        profile_id=profile_id,
        relation=right.relation,
        powers=frozenset(right.powers),
        classes=frozenset(SensitivityClass(name) for name in right.classes),
        sections=ALL_SECTIONS,
    )
    if scope.relation != "self":
        audit.record(session, scope.actor, action=action, subjects=[profile_id], reason=reason)
        publish(session, RecordOpened(actor=scope.actor, profile_id=profile_id, at=clock.now()))
    return scope


def refuse(actor: audit.Actor, *, action: str, profile_id: ProfileId | None) -> NoReturn:
    """Record the refusal in its own transaction and raise NotFound."""
    audit.record_refusal(actor, action=action, profile_id=profile_id)
    raise NotFound


def narrow(session: Session, scope: RecordScope, sections: frozenset[Section]) -> RecordScope:
    """Let this transaction see only some sections of an opened record (`sections=`)."""
    kept = scope.sections & sections
    set_scope(session, sections=kept)
    return RecordScope(
        actor=scope.actor,
        profile_id=scope.profile_id,
        relation=scope.relation,
        powers=scope.powers,
        classes=scope.classes,
        sections=kept,
    )


def open_for_intake(
    session: Session,
    actor: audit.Actor,
    facility_code: str,
    profile_id: ProfileId,
    *,
    is_set: bool = False,
) -> RecordScope:
    """Set the scope in which intake writes one person's record; it answers nothing to anybody.

    The trace is one event a submission with a subject row per person, written by intake
    (FINDINGS 23). A person that is being made now has no row yet. `is_set`: the SQL function
    arrive_visit set this scope in this transaction already.
    """
    if not is_set:
        do(
            session,
            "SELECT open_intake(%(facility)s, %(principal)s, %(person)s)",
            {"facility": facility_code, "principal": actor.id, "person": profile_id},
        )
    return RecordScope(
        actor=actor,
        profile_id=profile_id,
        relation="intake",
        powers=frozenset(),
        classes=ALL_CLASSES,
        sections=ALL_SECTIONS,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class FacilityScope:
    """Proof that this actor works at, or sends for, this facility now."""

    actor: audit.Actor
    facility_code: str
    roles: frozenset[FacilityRole]


def open_facility(
    session: Session,
    principal: Principal,
    facility_code: str,
    *,
    roles: frozenset[FacilityRole],
) -> FacilityScope:
    """Check that the caller has one of `roles` at the facility now, and set its scope.

    Session, account, membership and client are read together (R5, R7). Raises NotSignedIn when the
    session or client ended, NotFound to strangers of the facility, NotAllowed to its other roles.
    """
    right = session.execute(
        _OPEN_FACILITY,
        {
            "account": principal.account_id,
            "session": principal.session_id,
            "client": principal.client_id,
            "facility": facility_code,
            "at": clock.now(),
        },
    ).one()
    if not right.is_live:
        raise NotSignedIn
    if right.roles is None:
        raise NotFound
    if not roles & set(right.roles):
        raise NotAllowed
    if principal.kind == "system" and SYSTEM_SCOPE not in principal.scopes:
        raise NotAllowed
    actor = replace(principal.actor, facility_code=facility_code)
    return FacilityScope(actor=actor, facility_code=facility_code, roles=frozenset(right.roles))


@dataclass(frozen=True, slots=True, kw_only=True)
class DirectoryScope:
    """Proof that this actor may write the directory of facilities now."""

    actor: audit.Actor


def open_directory(session: Session, principal: Principal) -> DirectoryScope:
    """Check that the caller is a system that an operator lets write the directory, and set it.

    The policies of `facility` ask the same of the database. Raises NotAllowed to everybody else,
    NotSignedIn when the system ended.
    """
    if principal.client_id is None or DIRECTORY_SCOPE not in principal.scopes:
        raise NotAllowed
    set_scope(session, principal_id=principal.client_id)
    scopes = find_client_scopes(session, principal.client_id)
    if scopes is None:
        raise NotSignedIn
    if DIRECTORY_SCOPE not in scopes:
        raise NotAllowed
    return DirectoryScope(actor=principal.actor)
