"""The people in hospitals' files: whose they are (R10-R12), and what is kept of them.

Works as the worker's role. Matching looks across people inside one SQL function; writing happens in
the scope of one person, which the caller has opened.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, NamedTuple
from uuid import UUID

from sqlalchemy import update
from sqlalchemy.orm import Session

from phr_api import audit
from phr_api.identity import rules
from phr_api.identity.models import Coverage, Profile, ProfileAddress, ProfileIdentifier
from phr_api.identity.received import ReceivedCard, ReceivedPerson
from phr_api.identity.service.disagreements import note_disagreement
from phr_api.kit.db import Base, run
from phr_api.kit.ids import new_public_id, new_row_id
from phr_api.vocab import IdentifierSystem, PartialDate, ProfileId, name_key, search_key

FILLED = ("phone", "ethnicity", "nationality", "occupation", "blood_group")

# The arguments of the SQL function match_person, from `matching_parameters`. Lists come joined:
# psycopg is slow at arrays.
MATCHING = (
    "string_to_array(%(systems)s, ';'), string_to_array(%(values)s, ';'),"
    " string_to_array(%(cards)s, ';'), %(name_key)s, %(earliest)s, %(latest)s, %(is_newborn)s,"
    " string_to_array(%(locks)s, ';')"
)
_MATCH = f"SELECT outcome, person, reasons, without FROM match_person({MATCHING})"  # noqa: S608
_KNOWN = "SELECT known_person(%(profile)s)"
NewRows = dict[type[Base], list[dict[str, Any]]]


class KnownPerson(NamedTuple):
    """What is kept of a person, as the SQL function known_person tells it."""

    birth: str
    sex: str
    phone: str | None
    ethnicity: str | None
    nationality: str | None
    occupation: str | None
    blood_group: str | None
    identifiers: list[str] | None
    addresses: list[list[Any]] | None
    coverage: list[list[Any]] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """Whose a received person is.

    `profile_id`: of the person matched; a fresh id when new; None when somebody must decide.
    `reasons`: the fields that disagree (name, birth, citizen-id, card, ambiguous), never values.
    `candidate_id`: the person in question, for the decision only; it is shown to nobody.
    `without`: systems of identifiers to leave out when writing: not this person's (a newborn's
    mother's), or not if the decision is that this is somebody else.
    """

    outcome: Literal["matched", "new", "needs-review"]
    profile_id: ProfileId | None
    reasons: tuple[str, ...] = ()
    candidate_id: ProfileId | None = None
    without: frozenset[str] = frozenset()


def match_received(
    session: Session,
    person: ReceivedPerson,
    facility_code: str,
    at: datetime,
    *,
    actor: audit.Actor | None = None,
) -> Match:
    """Say whose this person is, holding locks on all their numbers until the transaction ends.

    A disagreement with a known number is audited and counted for the sender (R11).
    """
    (row,) = run(session, _MATCH, matching_parameters(person))
    actor = actor or audit.Actor(kind="operator", id=None, facility_code=facility_code)
    return read_match(session, row, new_public_id(), facility_code, at, actor=actor)


def matching_parameters(person: ReceivedPerson) -> dict[str, Any]:
    """Return what `MATCHING` takes of a received person; a number has no semicolon in it."""
    numbers, cards = _numbers(person)
    locks = [f"{system}:{value}" for system, value in numbers]
    locks += [f"{IdentifierSystem.INSURANCE.value}:{card}" for card in cards]
    return {
        "systems": ";".join([system for system, _ in numbers]),
        "values": ";".join([value for _, value in numbers]),
        "cards": ";".join(cards),
        "name_key": name_key(person.full_name),
        "earliest": person.birth.earliest,
        "latest": person.birth.latest,
        "is_newborn": person.is_newborn,
        "locks": ";".join(locks),
    }


def read_match(
    session: Session,
    row: tuple[Any, ...],
    new: UUID,
    facility_code: str,
    at: datetime,
    *,
    actor: audit.Actor,
) -> Match:
    """Return what match_person answered; `new` is who the person becomes if nobody was found.

    `row` is (outcome, person, reasons, without). A disagreement is audited and counted (R11).
    """
    outcome, found, reasons, without = row
    if outcome == "needs-review":
        note_disagreement(
            session,
            actor,
            facility_code,
            action="person.needs-review",
            fields=reasons,
            at=at,
            candidate=found,
        )
        return Match(
            outcome="needs-review",
            profile_id=None,
            reasons=tuple(reasons),
            candidate_id=ProfileId(found) if found else None,
            without=frozenset(without),
        )
    return Match(
        outcome=outcome,
        profile_id=ProfileId(new if outcome == "new" else found),
        without=frozenset(without),
    )


def _numbers(person: ReceivedPerson) -> tuple[list[tuple[str, str]], list[str]]:
    """Return the person's own numbers, and the 10 digits of each card (one may stand as number)."""
    cards = {card.insurance_number for card in person.cards}
    if person.number is None:
        return [], sorted(cards)
    system, value = person.number
    if system is IdentifierSystem.CARD:
        return [], sorted(cards | {value[5:]})
    return [(system.value, value)], sorted(cards)


def find_known(session: Session, profile_id: ProfileId) -> KnownPerson | None:
    """Return what is kept of a person, whose scope is set; None when there is none yet."""
    ((found,),) = run(session, _KNOWN, {"profile": profile_id})
    return KnownPerson(**found) if found else None


def add_to_person(
    session: Session,
    profile_id: ProfileId,
    person: ReceivedPerson,
    known: KnownPerson | None,
    *,
    facility_code: str,
    at: datetime,
    without: frozenset[str] = frozenset(),
) -> NewRows:
    """Keep what the file says of this person, whose scope is set; returns rows yet to be written.

    A new person (`known` is None) is made. Of a known one nothing is overwritten: what was empty is
    filled, a birth becomes more exact, addresses and cards that changed end here and are followed
    by new rows.
    """
    changes = {} if known is None else _profile_changes(known, person)
    if changes:
        session.execute(
            update(Profile).where(Profile.id == profile_id).values(changes | {"updated_at": at})
        )
    source = {
        "profile_id": profile_id,
        "facility_code": facility_code,
        "seen_at": at,
        "classes": (),
    }
    have = set(known.identifiers or ()) if known else set()
    identifiers = [
        source | {"id": new_row_id(), "system": system, "value": value, "assurance": "received"}
        for system, value in _identifiers(person)
        if system not in without and f"{system}:{value}" not in have
    ]
    cards = () if IdentifierSystem.INSURANCE.value in without else person.cards
    return {
        Profile: [] if known else [_profile_row(profile_id, person, at)],
        ProfileIdentifier: identifiers,
        ProfileAddress: _address(session, person, known.addresses or [] if known else [], source),
        Coverage: _coverage(session, cards, known.coverage or [] if known else [], source),
    }


def _profile_row(profile_id: ProfileId, person: ReceivedPerson, at: datetime) -> dict[str, Any]:
    return {
        "id": profile_id,
        "full_name": person.full_name,
        "name_key": name_key(person.full_name),
        "search_key": search_key(person.full_name),
        "sex": person.sex.value,
        **_birth(person.birth),
        **{name: getattr(person, name) for name in FILLED},
        "classes": (),
        "created_at": at,
        "updated_at": at,
    }


def _birth(birth: PartialDate) -> dict[str, Any]:
    return {
        "birth": str(birth),
        "birth_earliest": birth.earliest,
        "birth_latest": birth.latest,
    }


def _profile_changes(known: KnownPerson, person: ReceivedPerson) -> dict[str, Any]:
    changes = {
        name: getattr(person, name)
        for name in FILLED
        if getattr(known, name) is None and getattr(person, name) is not None
    }
    if known.sex == "unknown" and person.sex.value != "unknown":
        changes["sex"] = person.sex.value
    if len(str(person.birth)) > len(known.birth) and str(person.birth).startswith(known.birth):
        changes |= _birth(person.birth)
    return changes


def _identifiers(person: ReceivedPerson) -> list[tuple[str, str]]:
    """Return (system, value) of every number, each once."""
    found = {(IdentifierSystem.CARD.value, card.card) for card in person.cards if card.card}
    found |= {(IdentifierSystem.INSURANCE.value, card.insurance_number) for card in person.cards}
    if person.number is not None:
        found.add((person.number[0].value, person.number[1]))
        if person.number[0] is IdentifierSystem.CARD:
            found.add((IdentifierSystem.INSURANCE.value, person.number[1][5:]))
    return sorted(found)


def _address(
    session: Session, person: ReceivedPerson, known: list[list[Any]], source: dict[str, Any]
) -> list[dict[str, Any]]:
    """Return the row of an address that is new; ends the one before it of the same scheme."""
    address = person.address
    if address is None:
        return []
    values = {
        "scheme": address.scheme,
        "list_version": rules.DIVISION_LISTS[address.scheme],
        "province_code": address.province_code,
        "district_code": address.district_code,
        "commune_code": address.commune_code,
        "line": address.line,
    }
    same_scheme = [row for row in known if row[1] == address.scheme]
    if any(row[1:] == list(values.values()) for row in same_scheme):
        return []
    _end(session, ProfileAddress, [row[0] for row in same_scheme], source)
    return [source | {"id": new_row_id()} | values]


def _coverage(
    session: Session,
    cards: tuple[ReceivedCard, ...],
    known: list[list[Any]],
    source: dict[str, Any],
) -> list[dict[str, Any]]:
    """Return rows of new cards; one with other dates or facility follows the one before it."""
    rows, ended = [], []
    for card in cards:
        values = {
            "card_number": card.card or card.insurance_number,
            "valid_from": card.valid_from,
            "valid_until": card.valid_until,
            "registered_facility_code": card.registered_facility,
        }
        wire = [str(value) if value is not None else None for value in values.values()]
        if any(row[1:] == wire for row in known):
            continue
        ended += [row[0] for row in known if row[1:3] == wire[:2]]
        rows.append(source | {"id": new_row_id()} | values)
    _end(session, Coverage, ended, source)
    return rows


def _end(
    session: Session,
    model: type[ProfileAddress | Coverage],
    ids: list[str],
    source: dict[str, Any],
) -> None:
    if ids:
        session.execute(
            update(model)
            .where(model.profile_id == source["profile_id"], model.id.in_([UUID(i) for i in ids]))
            .values(ended_at=source["seen_at"])
        )
