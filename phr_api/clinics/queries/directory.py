"""Reads of the directory and the code lists."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from datetime import date, datetime
from decimal import Decimal

from sqlalchemy import ColumnElement, func, select, tuple_
from sqlalchemy.orm import InstrumentedAttribute, Session

from phr_api.clinics.models import ClinicService, Code, CodeList, Facility, Holiday
from phr_api.kit.problems import NotFound
from phr_api.vocab import province_key


@dataclass(frozen=True, slots=True)
class FacilityRow:
    """A facility as the directory shows it, in this version."""

    code: str
    name: str
    kind: str
    province: str | None
    address: str | None
    phone: str | None
    search_key: str
    latitude: Decimal | None
    longitude: Decimal | None
    remote_licence: str | None
    version: int

    @property
    def id(self) -> str:
        """What its ETag is of, beside the version."""
        return self.code


@dataclass(frozen=True, slots=True)
class HolidayRow:
    """A public holiday."""

    on_date: date
    name_vi: str
    name_en: str


@dataclass(frozen=True, slots=True)
class Words:
    """A code with its names in the current list; the code itself where no list knows it."""

    code: str
    display: str
    display_en: str | None


@dataclass(frozen=True, slots=True)
class CodeListRow:
    """A loaded list and how many codes it has."""

    system: str
    version: str
    loaded_at: datetime
    is_current: bool
    codes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FacilitySearch:
    """What is looked for among all facilities, words without diacritics (vocab.search_key).

    `service`: words of something that they offer. Nothing and None do not matter.
    """

    words: Sequence[str] = ()
    province: str | None = None
    service: Sequence[str] = ()


FACILITY_COLUMNS = tuple(getattr(Facility, field.name) for field in fields(FacilityRow))


def find_facilities(
    session: Session,
    search: FacilitySearch,
    *,
    limit: int,
    after: tuple[str, str] | None = None,
) -> list[FacilityRow]:
    """Facilities whose search key holds every word, by search key; walks ix_facility_search_key.

    The directory has some 14,000 rows, so the filter on the way is cheap and needs no trigram
    index; what one offers is looked up by uq_clinic_service_facility_code_code.
    """
    query = select(*FACILITY_COLUMNS).where(*holding(Facility.search_key, search.words))
    if search.province is not None:
        query = query.where(Facility.province.in_(find_spellings(session, search.province)))
    if search.service:
        offers = select(ClinicService.id).where(
            ClinicService.facility_code == Facility.code,
            ClinicService.ended_at.is_(None),
            *holding(ClinicService.search_key, search.service),
        )
        query = query.where(offers.exists())
    if after:
        query = query.where(tuple_(Facility.search_key, Facility.code) > after)
    rows = session.execute(query.order_by(Facility.search_key, Facility.code).limit(limit))
    return [FacilityRow(*row) for row in rows]


def holding(
    search_key: InstrumentedAttribute[str], words: Iterable[str]
) -> list[ColumnElement[bool]]:
    """Return the conditions that a search key holds every word."""
    return [search_key.contains(word, autoescape=True) for word in words]


def find_spellings(session: Session, province: str) -> list[str]:
    """Return how facilities write this province of today, whose name or code, old or new, is given.

    The directory's spellings are a few dozen.
    """
    written = session.scalars(select(Facility.province).distinct())
    wanted = province_key(province)
    return [each for each in written if each and province_key(each) == wanted]


def find_facility(session: Session, code: str) -> FacilityRow | None:
    """Return the facility with this code, or None; by primary key."""
    if not code.isalnum():
        return None
    row = session.execute(select(*FACILITY_COLUMNS).where(Facility.code == code)).first()
    return FacilityRow(*row) if row else None


def get_facility(session: Session, code: str) -> FacilityRow:
    """Return the facility with this code, or raise NotFound."""
    found = find_facility(session, code)
    if found is None:
        raise NotFound
    return found


def find_facilities_by_code(session: Session, codes: Iterable[str]) -> dict[str, FacilityRow]:
    """Facilities by code; one that the directory does not know is left out. By primary key."""
    wanted = sorted(set(codes))
    if not wanted:
        return {}
    rows = session.execute(select(*FACILITY_COLUMNS).where(Facility.code.in_(wanted)))
    return {row.code: FacilityRow(*row) for row in rows}


def find_facility_names(session: Session, codes: Iterable[str]) -> dict[str, str]:
    """Names by code; a facility that the directory does not know is left out. By primary key."""
    wanted = sorted(set(codes))
    if not wanted:
        return {}
    named = select(Facility.code, Facility.name).where(Facility.code.in_(wanted))
    return dict(session.execute(named).all())


def find_holidays(session: Session, since: date, until: date) -> list[HolidayRow]:
    """Public holidays from `since` to `until`, both included, in order; by primary key."""
    query = select(Holiday.on_date, Holiday.name_vi, Holiday.name_en).where(
        Holiday.country == "VN", Holiday.on_date.between(since, until)
    )
    return [HolidayRow(*row) for row in session.execute(query.order_by(Holiday.on_date))]


def find_codes(
    session: Session, system: str, *, limit: int, after: str | None = None
) -> list[Words]:
    """The current list of a system in order of code; by primary key."""
    query = _current(system)
    if after:
        query = query.where(Code.code > after)
    rows = session.execute(query.order_by(Code.code).limit(limit))
    return [Words(*row) for row in rows]


def _current(system: str):  # type: ignore[no-untyped-def]  # noqa: ANN202 - a Select of three columns
    return (
        select(Code.code, Code.display_vi, Code.display_en)
        .join(CodeList, (CodeList.system == Code.system) & (CodeList.version == Code.version))
        .where(Code.system == system, CodeList.is_current)
    )


def find_code_lists(session: Session, system: str | None = None) -> list[CodeListRow]:
    """Every loaded list with its number of codes, the current one of a system first."""
    if system is not None and not system.isprintable():
        return []
    counted = (
        select(CodeList.system, CodeList.version, CodeList.loaded_at, CodeList.is_current)
        .add_columns(func.count(Code.code))
        .outerjoin(Code, (Code.system == CodeList.system) & (Code.version == CodeList.version))
        .group_by(CodeList.system, CodeList.version)
        .order_by(CodeList.system, CodeList.is_current.desc(), CodeList.version)
    )
    if system is not None:
        counted = counted.where(CodeList.system == system)
    return [CodeListRow(*row) for row in session.execute(counted)]
