"""A desk saw somebody's document and hands out a code: one use, 24 hours (R1)."""

import base64
import hashlib
import hmac
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from phr_api import audit
from phr_api.identity import queries, rules
from phr_api.identity.configuration import purpose_key
from phr_api.identity.principal import Principal
from phr_api.identity.problems import IdentityDisagrees
from phr_api.identity.service.disagreements import note_disagreement
from phr_api.identity.service.persons import person_parameters
from phr_api.identity.service.sessions import require_live
from phr_api.kit import clock
from phr_api.kit.db import set_scope, unit_of_work
from phr_api.kit.idempotency import Created
from phr_api.kit.ids import new_public_id, new_row_id
from phr_api.kit.limits import Limit
from phr_api.kit.problems import NotAllowed, NotFound

CODE_CHARACTERS = 12

# A desk activates a queue of people; nobody tries one number again and again.
ISSUED = Limit(name="activation issued", count=60, per=timedelta(hours=1))
ISSUED_FOR = Limit(name="activation issued for number", count=5, per=timedelta(hours=24))
# 60 bits of code, ten tries an hour
TRIED = Limit(name="activation tried", count=10, per=timedelta(hours=1))

_MEMBERSHIP = text("SELECT live_membership(:account, :session, :facility, :at)")
_ISSUE = text(
    "SELECT outcome, person, reasons FROM issue_activation(:account, :session, :facility, :code,"
    " :hash, :document, :new, :identifier, :number, :full_name, :name_key, :search_key,"
    " :sex, :birth, :earliest, :latest, :at)"
)
_USE = text("SELECT outcome, person FROM use_activation(:account, :session, :hash, :notice, :at)")


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenDocument:
    """What the desk read from the document that it saw."""

    citizen_number: str
    full_name: str
    birth: str
    document: str


@dataclass(frozen=True, slots=True, kw_only=True)
class IssuedCode:
    """What the desk hands to the person."""

    id: UUID
    code: str
    expires_at: datetime


def require_desk(session: Session, principal: Principal, facility_code: str) -> None:
    """Check that the caller works at this facility's desk now, and set the facility's scope.

    Raises NotFound to strangers of the facility and NotAllowed to its other roles (R7).
    """
    require_live(session, principal)
    roles = session.scalar(
        _MEMBERSHIP,
        {
            "account": principal.account_id,
            "session": principal.session_id,
            "facility": facility_code,
            "at": clock.now(),
        },
    )
    if not roles:
        raise NotFound
    if "desk" not in roles:
        raise NotAllowed
    set_scope(session, facility_id=facility_code)


def issue(
    session: Session, principal: Principal, facility_code: str, seen: SeenDocument
) -> Created[IssuedCode]:
    """Find the person of the document, or make them, and issue a code; the desk was checked.

    Raises IdentityDisagrees, naming fields only, when the number is known with another name or
    birth (R11). Any other answer is the same whether the person was known or not.
    """
    at, code_id = clock.now(), new_public_id()
    code = derive_code(code_id)
    expires_at = at + rules.ACTIVATION_LIFE
    outcome, person, reasons = session.execute(
        _ISSUE,
        person_parameters(number=seen.citizen_number, full_name=seen.full_name, birth=seen.birth)
        | {
            "account": principal.account_id,
            "session": principal.session_id,
            "facility": facility_code,
            "code": code_id,
            "hash": hash_code(code),
            "document": seen.document,
            "at": at,
        },
    ).one()
    if outcome == "not-allowed":
        raise NotAllowed
    if outcome == "disagrees":
        raise IdentityDisagrees(fields=list(reasons))
    actor = audit.Actor(kind="staff", id=principal.account_id, facility_code=facility_code)
    audit.record(session, actor, action="activation.issue", subjects=[person])
    return Created(
        entity=IssuedCode(id=code_id, code=code, expires_at=expires_at),
        reference=str(code_id),
        location=None,
    )


def note_refusal(principal: Principal, facility_code: str, refusal: IdentityDisagrees) -> None:
    """Trace and count a document that disagrees, after the refused transaction (R11)."""
    actor = replace(principal.actor, facility_code=facility_code)
    fields: list[str] = refusal.extensions["fields"]
    with unit_of_work() as session:
        note_disagreement(
            session,
            actor,
            facility_code,
            action="activation.disagrees",
            fields=fields,
            at=clock.now(),
        )


def issued_again(session: Session, reference: str) -> IssuedCode:
    """Return the code that a repeated request made the first time."""
    row = queries.get_activation_code(session, UUID(reference))
    return IssuedCode(id=row.id, code=derive_code(row.id), expires_at=row.expires_at)


def use(session: Session, principal: Principal, code: str) -> str:
    """Link the account to the person of the code; returns the outcome, which the caller commits.

    Outcomes: linked, taken (the first account is told), has-other, unknown.
    """
    require_live(session, principal)
    if principal.kind != "citizen":
        raise NotAllowed
    outcome, person = session.execute(
        _USE,
        {
            "account": principal.account_id,
            "session": principal.session_id,
            "hash": hash_code(code),
            "notice": new_row_id(),
            "at": clock.now(),
        },
    ).one()
    if outcome == "linked":
        audit.record(session, principal.actor, action="activation.use", subjects=[person])
    return str(outcome)


def derive_code(code_id: UUID) -> str:
    """Make the code from its row's id, so that a repeated request can be told it again."""
    digest = hmac.digest(purpose_key("activation codes"), code_id.bytes, hashlib.sha256)
    text = base64.b32encode(digest).decode()[:CODE_CHARACTERS]
    return f"{text[:4]}-{text[4:8]}-{text[8:]}"


def hash_code(code: str) -> bytes:
    """Hash a code as a person types it: case, spaces and dashes do not matter."""
    plain = "".join(character for character in code.upper() if character.isalnum())
    return hmac.digest(purpose_key("activation code hashes"), plain.encode(), hashlib.sha256)
