"""Lists of services and holidays, as an operator loads them."""

import csv
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from datetime import date
from importlib import resources
from typing import IO, Any

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from phr_api import audit
from phr_api.clinics.models import Holiday
from phr_api.clinics.problems import CodeListInvalid
from phr_api.clinics.queries import find_facility, find_services_by_code
from phr_api.clinics.service.offering import NewService, add_service, change_service
from phr_api.consent import FacilityScope

HOLIDAY_FILE = "data/holidays.csv"
CHOICES = {
    "kind": ("on-site", "remote"),
    "visit_kind": ("consultation", "follow-up", "other"),
}
YES = {"yes": True, "no": False}
NUMBERS = {
    "minutes": (1, 480),
    "price_vnd": (0, 10**12),
    "respond_minutes": (1, 20160),
    "lead_minutes": (0, 43200),
    "cancel_minutes": (0, 43200),
    "most_open": (1, 20),
}
FLAGS = ("confirms_itself", "has_waitlist", "asks_still_coming")
TEXTS = ("name_en", "preparation")


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedService:
    """A service of a facility, as a line of a list says it."""

    facility_code: str
    line: int
    code: str
    members: dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class HolidayLine:
    """A public holiday, as a line of a list says it."""

    on: date
    vi: str
    en: str


def read_services(file: IO[str]) -> list[ListedService]:
    """Rows of a CSV with the columns facility, code, name, and if there the others of a service.

    Those are kind, visit_kind, departments (codes with spaces between), minutes, price_vnd,
    preparation, name_en, respond_minutes, lead_minutes, cancel_minutes, most_open, and
    confirms_itself, has_waitlist, asks_still_coming as yes or no. An empty cell says nothing.
    Raises CodeListInvalid with the line.
    """
    reader = csv.DictReader(file)
    if not {"facility", "code", "name"} <= set(reader.fieldnames or ()):
        raise CodeListInvalid(line=1, reason="the columns facility, code and name are needed")
    rows = []
    for line, row in enumerate(reader, start=2):
        cells = {name: (cell or "").strip() for name, cell in row.items() if name is not None}
        if not (cells["facility"] and cells["code"] and cells["name"]):
            raise CodeListInvalid(line=line, reason="facility, code and name are needed")
        members = {"name": cells["name"]} | _members(cells, line)
        rows.append(
            ListedService(
                facility_code=cells["facility"], line=line, code=cells["code"], members=members
            )
        )
    return rows


def _members(cells: dict[str, str], line: int) -> dict[str, Any]:
    filled = {name: cell for name, cell in cells.items() if cell}
    members: dict[str, Any] = {name: filled[name] for name in TEXTS if name in filled}
    for name in filled.keys() & NUMBERS.keys():
        least, most = NUMBERS[name]
        if not filled[name].isdecimal() or not least <= int(filled[name]) <= most:
            raise CodeListInvalid(line=line, reason=f"{name} is a number of {least} to {most}")
        members[name] = int(filled[name])
    for name in filled.keys() & set(FLAGS):
        if filled[name] not in YES:
            raise CodeListInvalid(line=line, reason=f"{name} is yes or no")
        members[name] = YES[filled[name]]
    for name in filled.keys() & CHOICES.keys():
        if filled[name] not in CHOICES[name]:
            raise CodeListInvalid(line=line, reason=f"{name} is {' or '.join(CHOICES[name])}")
        members[name] = filled[name]
    if "departments" in filled:
        members["departments"] = tuple(filled["departments"].split())
    return members


def save_services(session: Session, rows: Sequence[ListedService]) -> int:
    """Offer the services of a list, or bring those with the same code up to date; how many came.

    What the list does not say of a service that is there stays as its desk said it. One that had
    ended is offered again. Raises CodeListInvalid when a facility is not in the directory.
    """
    for code in sorted({row.facility_code for row in rows}):
        theirs = [row for row in rows if row.facility_code == code]
        if find_facility(session, code) is None:
            raise CodeListInvalid(line=theirs[0].line, reason="no such facility in the directory")
        scope, known = operators(code), find_services_by_code(session, code)
        for row in theirs:
            there = known.get(row.code)
            if there is None:
                new = NewService(code=row.code, **row.members)
                known[row.code] = add_service(session, scope, new)
            else:
                there.ended_at = None
                said = {field.name: getattr(there, field.name) for field in fields(NewService)}
                change_service(session, scope, there, NewService(**said | row.members))
    return len(rows)


def operators(facility_code: str) -> FacilityScope:
    """Return the scope in which an operator at the command line writes for a facility."""
    actor = audit.Actor(kind="operator", id=None, facility_code=facility_code)
    return FacilityScope(actor=actor, facility_code=facility_code, roles=frozenset())


def read_holidays(file: IO[str]) -> list[HolidayLine]:
    """Rows of a CSV with the columns on (2027-02-05), vi, en. Raises CodeListInvalid."""
    reader = csv.DictReader(file)
    if not {"on", "vi", "en"} <= set(reader.fieldnames or ()):
        raise CodeListInvalid(line=1, reason="the columns on, vi and en are needed")
    return [_holiday(row, line) for line, row in enumerate(reader, start=2)]


def _holiday(row: dict[str, str], line: int) -> HolidayLine:
    try:
        on = date.fromisoformat((row["on"] or "").strip())
    except ValueError as error:
        raise CodeListInvalid(line=line, reason="on is a day such as 2027-02-05") from error
    if not (row["vi"] and row["en"]):
        raise CodeListInvalid(line=line, reason="a holiday needs its names")
    return HolidayLine(on=on, vi=row["vi"].strip(), en=row["en"].strip())


def read_known_holidays() -> list[HolidayLine]:
    """Return the holidays that come with this version."""
    text = resources.files("phr_api.clinics").joinpath(HOLIDAY_FILE).read_text(encoding="utf-8")
    return [_holiday(row, 0) for row in csv.DictReader(text.splitlines())]


def save_holidays(session: Session, rows: Iterable[HolidayLine]) -> int:
    """Replace the holidays of the years that the list names; how many came.

    The caller lets slots be made anew.
    """
    by_day = {row.on: row for row in rows}
    if not by_day:
        return 0
    years = {on.year for on in by_day}
    for row in session.scalars(select(Holiday).where(Holiday.country == "VN")):
        if row.on_date.year in years and row.on_date not in by_day:
            session.delete(row)
    statement = insert(Holiday).values(
        [
            {"on_date": row.on, "country": "VN", "name_vi": row.vi, "name_en": row.en}
            for row in by_day.values()
        ]
    )
    names = {name: statement.excluded[name] for name in ("name_vi", "name_en")}
    session.execute(
        statement.on_conflict_do_update(index_elements=["country", "on_date"], set_=names)
    )
    return len(by_day)
