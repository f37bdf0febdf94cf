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
from phr_api.kit.db import Base, insert_tables, run
from phr_api.kit.ids import new_public_id, new_row_id
from phr_api.vocab import IdentifierSystem, PartialDate, ProfileId, name_key, search_key

FILLED = ("phone", "ethnicity", "nationality", "occupation", "blood_group")

_MATCH = (
    "SELECT outcome, person, reasons, without FROM match_person(%(systems)s, %(values)s, %(cards)s,"
    " %(name_key)s, %(earliest)s, %(latest)s, %(is_newborn)s, %(locks)s)"
)
_KNOWN = (
    "SELECT p.birth, p.sex, p.phone, p.ethnicity, p.nationality, p.occupation, p.blood_group,"
    " (SELECT array_agg(i.system || ':' || i.value) FROM profile_identifier i"
    "  WHERE i.profile_id = p.id AND i.ended_at IS NULL AND i.assurance <> 'declared')"
    "  AS identifiers,"
    " (SELECT json_agg(json_build_array(a.id, a.scheme, a.list_version, a.province_code,"
    "   a.district_code, a.commune_code, a.line)) FROM profile_address a"
    "  WHERE a.profile_id = p.id AND a.ended_at IS NULL) AS addresses,"
    " (SELECT json_agg(json_build_array(c.id, c.card_number, c.valid_from, c.valid_until,"
    "   c.registered_facility_code)) FROM coverage c"
    "  WHERE c.profile_id = p.id AND c.ended_at IS NULL) AS coverage"
    " FROM profile p WHERE p.id = %(profile)s"
)


class _Known(NamedTuple):
    """The columns of _KNOWN."""

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
    numbers, cards = _numbers(person)
    locks = [f"{IdentifierSystem.INSURANCE.value}:{card}" for card in cards]
    ((outcome, found, reasons, without),) = run(
        session,
        _MATCH,
        {
            "systems": [system for system, _ in numbers],
            "values": [value for _, value in numbers],
            "cards": cards,
            "name_key": name_key(person.full_name),
            "earliest": person.birth.earliest,
            "latest": person.birth.latest,
            "is_newborn": person.is_newborn,
            "locks": [*(f"{system}:{value}" for system, value in numbers), *locks],
        },
    )
    if outcome == "new":
        return Match(
            outcome="new",
            profile_id=ProfileId(new_public_id()),
            without=frozenset(without),
        )
    if outcome == "matched":
        return Match(outcome="matched", profile_id=ProfileId(found), without=frozenset(without))
    actor = actor or audit.Actor(kind="operator", id=None, facility_code=facility_code)
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


def _numbers(person: ReceivedPerson) -> tuple[list[tuple[str, str]], list[str]]:
    """Return the person's own numbers, and the 10 digits of each card (one may stand as number)."""
    cards = {card.insurance_number for card in person.cards}
    if person.number is None:
        return [], sorted(cards)
    system, value = person.number
    if system is IdentifierSystem.CARD:
        return [], sorted(cards | {value[5:]})
    return [(system.value, value)], sorted(cards)


def write_received_person(
    session: Session,
    profile_id: ProfileId,
    person: ReceivedPerson,
    *,
    facility_code: str,
    at: datetime,
    without: frozenset[str] = frozenset(),
    is_new: bool = False,
) -> bool:
    """Keep what the file says of this person, whose scope is set; False if all was known.

    A new person is made; `is_new` says that there is none to look for. Of a known one nothing is
    overwritten: what was empty is filled, a birth becomes more exact, addresses and cards that
    changed end and are followed by new rows.
    """
    found = [] if is_new else run(session, _KNOWN, {"profile": profile_id})
    known = _Known(*found[0]) if found else None
    changes = {} if known is None else _profile_changes(known, person)
    if changes:
        session.execute(
            update(Profile).where(Profile.id == profile_id).values(changes | {"updated_at": at})
        )
    source = {"profile_id": profile_id, "facility_code": facility_code, "seen_at": at}
    have = set(known.identifiers or ()) if known else set()
    identifiers = [
        source | {"id": new_row_id(), "system": system, "value": value, "assurance": "received"}
        for system, value in _identifiers(person)
        if system not in without and f"{system}:{value}" not in have
    ]
    cards = () if IdentifierSystem.INSURANCE.value in without else person.cards
    new: dict[type[Base], list[dict[str, Any]]] = {
        Profile: [] if known else [_profile_row(profile_id, person, at)],
        ProfileIdentifier: identifiers,
        ProfileAddress: _address(session, person, known.addresses or [] if known else [], source),
        Coverage: _coverage(session, cards, known.coverage or [] if known else [], source),
    }
    insert_tables(session, new)
    return bool(changes) or any(new.values())


def _profile_row(profile_id: ProfileId, person: ReceivedPerson, at: datetime) -> dict[str, Any]:
    return {
        "id": profile_id,
        "full_name": person.full_name,
        "name_key": name_key(person.full_name),
        "search_key": search_key(person.full_name),
        "sex": person.sex.value,
        **_birth(person.birth),
        **{name: getattr(person, name) for name in FILLED},
        "created_at": at,
        "updated_at": at,
    }


def _birth(birth: PartialDate) -> dict[str, Any]:
    return {
        "birth": str(birth),
        "birth_earliest": birth.earliest,
        "birth_latest": birth.latest,
    }


def _profile_changes(known: _Known, person: ReceivedPerson) -> dict[str, Any]:
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
