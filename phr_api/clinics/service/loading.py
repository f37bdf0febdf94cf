"""Loading the directory and the code lists; operators do it at the command line."""

import csv
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal, InvalidOperation
from importlib import resources
from itertools import groupby
from operator import attrgetter
from typing import IO, Any

from sqlalchemy import ColumnElement, false, insert, or_, select, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.orm import Session

from phr_api import audit
from phr_api.clinics.models import Code, CodeList, Facility
from phr_api.clinics.problems import CodeListExists, CodeListInvalid, FacilityListed
from phr_api.clinics.queries import FacilityRow
from phr_api.consent import DirectoryScope
from phr_api.kit import clock, events
from phr_api.kit.problems import StaleVersion
from phr_api.vocab import search_key

DEMO_VERSION = "demo"
DEMO_FILE = "data/codes.csv"
FACILITY_COLUMNS = (
    "name",
    "kind",
    "province",
    "address",
    "phone",
    "search_key",
    "latitude",
    "longitude",
    "remote_licence",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class NewFacility:
    """What the directory keeps of a facility; `code` has 5 characters."""

    code: str
    name: str
    kind: str = "hospital"
    province: str | None = None
    address: str | None = None
    phone: str | None = None
    latitude: Decimal | None = None
    longitude: Decimal | None = None
    remote_licence: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FacilitiesChanged:
    """Event: the directory describes these facilities anew."""

    codes: Sequence[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeRow:
    """One line of a code list."""

    system: str
    code: str
    vi: str
    en: str | None = None


def save_facilities(session: Session, facilities: Iterable[NewFacility]) -> int:
    """Add facilities, or bring those with the same code up to date; returns how many came.

    One that the list says nothing new of keeps its version. Raises CodeListInvalid when a code is
    not 5 capital letters or digits, or a name is empty.
    """
    by_code = {facility.code: facility for facility in facilities}
    if by_code:
        differs = (
            getattr(Facility, name).is_distinct_from(upsert(Facility).excluded[name])
            for name in FACILITY_COLUMNS
        )
        _write_facilities(session, by_code.values(), replaced=or_(*differs))
    return len(by_code)


def add_facility(session: Session, scope: DirectoryScope, facility: NewFacility) -> None:
    """Add a facility to the directory. Raises FacilityListed, CodeListInvalid."""
    if not _write_facilities(session, [facility], replaced=false()):
        raise FacilityListed
    _trace(session, scope, "facility.add", facility.code)


def change_facility(
    session: Session, scope: DirectoryScope, known: FacilityRow, facility: NewFacility
) -> None:
    """Describe a known facility anew.

    Raises StaleVersion when somebody else did since it was read, CodeListInvalid.
    """
    if not _write_facilities(session, [facility], replaced=Facility.version == known.version):
        raise StaleVersion
    _trace(session, scope, "facility.change", facility.code)


def _write_facilities(
    session: Session, facilities: Iterable[NewFacility], *, replaced: ColumnElement[bool]
) -> list[str]:
    """Add what is new, replace what `replaced` holds for; returns the codes that were written.

    Those are told as FacilitiesChanged.
    """
    statement = upsert(Facility).values([_facility_row(facility) for facility in facilities])
    changed: dict[str, Any] = {name: statement.excluded[name] for name in FACILITY_COLUMNS}
    written = statement.on_conflict_do_update(
        index_elements=["code"], set_=changed | {"version": Facility.version + 1}, where=replaced
    )
    codes = list(session.scalars(written.returning(Facility.code)))
    if codes:
        events.publish(session, FacilitiesChanged(codes=codes))
    return codes


def _trace(session: Session, scope: DirectoryScope, action: str, code: str) -> None:
    actor = replace(scope.actor, facility_code=code)
    audit.record(session, actor, action=action, subjects=[])


def _facility_row(facility: NewFacility) -> dict[str, str | Decimal | None]:
    code = facility.code.strip()
    if len(code) != 5 or not code.isalnum() or code != code.upper() or not code.isascii():  # noqa: PLR2004
        raise CodeListInvalid(reason="a facility code has 5 capital letters or digits")
    if not facility.name.strip():
        raise CodeListInvalid(reason="a facility needs a name")
    place = " ".join(filter(None, (facility.name, facility.address, facility.province, code)))
    return {
        "code": code,
        "name": facility.name.strip(),
        "kind": facility.kind or "hospital",
        "province": facility.province or None,
        "address": facility.address or None,
        "phone": facility.phone or None,
        "search_key": search_key(place),
        "latitude": facility.latitude,
        "longitude": facility.longitude,
        "remote_licence": facility.remote_licence or None,
    }


def load_codes(session: Session, system: str, version: str, rows: Sequence[CodeRow]) -> int:
    """Load one version of one list and make it the current one; returns how many codes it has.

    The same version with the same words again changes nothing. Raises CodeListInvalid (an empty or
    double code, no rows) and CodeListExists.
    """
    words = _checked(rows)
    stored = select(Code.code, Code.display_vi).where(
        Code.system == system, Code.version == version
    )
    known = dict(session.execute(stored).all())
    if known and known != {code: row.vi for code, row in words.items()}:
        raise CodeListExists
    session.execute(
        update(CodeList)
        .where(CodeList.system == system, CodeList.is_current, CodeList.version != version)
        .values(is_current=False)
    )
    if known:
        session.execute(
            update(CodeList)
            .where(CodeList.system == system, CodeList.version == version, ~CodeList.is_current)
            .values(is_current=True)
        )
        return len(words)
    session.execute(
        insert(CodeList).values(
            system=system, version=version, loaded_at=clock.now(), is_current=True
        )
    )
    session.execute(
        insert(Code),
        [
            {
                "system": system,
                "version": version,
                "code": code,
                "display_vi": row.vi,
                "display_en": row.en,
            }
            for code, row in words.items()
        ],
    )
    return len(words)


def _checked(rows: Sequence[CodeRow]) -> dict[str, CodeRow]:
    words: dict[str, CodeRow] = {}
    for line, row in enumerate(rows, start=2):
        if not row.code or not row.vi:
            raise CodeListInvalid(line=line, reason="code and Vietnamese words are needed")
        if row.code in words:
            raise CodeListInvalid(line=line, reason="the code stands there twice")
        words[row.code] = row
    if not words:
        raise CodeListInvalid(reason="the list is empty")
    return words


def read_codes(file: IO[str], system: str) -> list[CodeRow]:
    """Rows of a CSV with the columns code, vi, en; with a column system, that system's rows alone.

    Raises CodeListInvalid when a column is missing.
    """
    reader = csv.DictReader(file)
    columns = set(reader.fieldnames or ())
    if not {"code", "vi"} <= columns:
        raise CodeListInvalid(line=1, reason="the columns code and vi are needed")
    return [
        CodeRow(
            system=system,
            code=(row["code"] or "").strip(),
            vi=(row["vi"] or "").strip(),
            en=(row.get("en") or "").strip() or None,
        )
        for row in reader
        if "system" not in columns or row["system"] == system
    ]


def read_facilities(file: IO[str]) -> list[NewFacility]:
    """Rows of a CSV with the columns code, name, and if there the others of a facility.

    Those are kind, province, address, phone, latitude, longitude, remote_licence. Raises
    CodeListInvalid with the line.
    """
    reader = csv.DictReader(file)
    if not {"code", "name"} <= set(reader.fieldnames or ()):
        raise CodeListInvalid(line=1, reason="the columns code and name are needed")
    return [
        NewFacility(
            code=(row["code"] or "").strip(),
            name=(row["name"] or "").strip(),
            kind=(row.get("kind") or "").strip() or "hospital",
            province=(row.get("province") or "").strip() or None,
            address=(row.get("address") or "").strip() or None,
            phone=(row.get("phone") or "").strip() or None,
            latitude=_degrees(row, "latitude", line, 90),
            longitude=_degrees(row, "longitude", line, 180),
            remote_licence=(row.get("remote_licence") or "").strip() or None,
        )
        for line, row in enumerate(reader, start=2)
    ]


def _degrees(row: dict[str, str], name: str, line: int, most: int) -> Decimal | None:
    cell = (row.get(name) or "").strip()
    if not cell:
        return None
    try:
        degrees = Decimal(cell)
    except InvalidOperation:
        degrees = Decimal("NaN")
    if not degrees.is_finite() or abs(degrees) > most:
        raise CodeListInvalid(line=line, reason=f"{name} is a number of degrees")
    return round(degrees, 6)


def load_demo_codes(session: Session) -> int:
    """Load the small list that comes with vocab, for systems that have no current list yet."""
    has_list = set(session.scalars(select(CodeList.system).where(CodeList.is_current)))
    loaded = 0
    for system, rows in groupby(_demo_rows(), key=attrgetter("system")):
        if system not in has_list:
            loaded += load_codes(session, system, DEMO_VERSION, list(rows))
    return loaded


def _demo_rows() -> Iterator[CodeRow]:
    text = resources.files("phr_api.vocab").joinpath(DEMO_FILE).read_text(encoding="utf-8")
    rows = (
        CodeRow(system=row["system"], code=row["code"], vi=row["vi"], en=row["en"] or None)
        for row in csv.DictReader(text.splitlines())
    )
    return iter(sorted(rows, key=attrgetter("system", "code")))
