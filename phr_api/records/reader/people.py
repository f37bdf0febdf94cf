"""Who was treated, from XML1 or XML0, with what papers of the same visit say of a mother."""

from datetime import date, datetime, timedelta

from phr_api.identity import ReceivedAddress, ReceivedCard, ReceivedPerson
from phr_api.records.reader.cells import Cells
from phr_api.records.reader.rows import Row
from phr_api.vocab import (
    IdentifierSystem,
    InvalidIdentifier,
    PartialDate,
    Sex,
    check_citizen_number,
    check_phone,
    classify_card,
    classify_person_number,
    parse_clock,
    parse_day,
)
from phr_api.vocab.identifiers import citizen_birth_year, citizen_sex
from phr_api.vocab.provinces import has_districts

NEWBORN = timedelta(days=28)  # QĐ 130, NGAY_SINH: until then with its time
SEXES = {"1": Sex.MALE, "2": Sex.FEMALE, "NAM": Sex.MALE, "NỮ": Sex.FEMALE, "NU": Sex.FEMALE}
CITIZEN_LENGTHS = "12 digits, 9 digits, or 1 letter and 7 digits"
LONGEST_NAME = 500
GROWN_YEARS = 18
PARENT_YEARS = 10  # by so many a number of a child's birth year or a mistyped one does not differ
CHILD_CARD_YEARS = 6

Number = tuple[IdentifierSystem, str]


def read_person(
    cells: Cells, tables: dict[str, list[Row]], *, arrived_at: datetime | None, today: date
) -> ReceivedPerson | None:
    """Return the person, or None with reasons: no name, no birth, a number that cannot be."""
    faults = cells.faults
    name = cells.text("HO_TEN")
    if name is None:
        faults.refuse("required-missing", cells.table, "HO_TEN")
    elif len(name) > LONGEST_NAME:
        faults.refuse("text-too-long", cells.table, "HO_TEN", text=name)
    birth = _read_birth(cells, arrived_at, today)
    number = _read_number(cells)
    if name is None or birth is None:
        return None
    newborn = _is_newborn(tables, birth, arrived_at)
    sex = SEXES.get((cells.text("GIOI_TINH") or "").upper(), Sex.UNKNOWN)
    came_on = arrived_at.date() if arrived_at else today
    own, mother = _whose_number(number, birth, came_on, is_newborn=newborn)
    _warn_of_number(cells, own, mother if not newborn else None, birth, sex)
    is_childs = newborn or _is_small(mother, birth, came_on)
    mother_name, mother_number = _mother(tables)
    return ReceivedPerson(
        full_name=name,
        birth=birth,
        born_at=parse_clock(cells.row["NGAY_SINH"]),
        sex=sex,
        number=own,
        is_newborn=newborn,
        mother_number=mother or (mother_number if newborn else None),
        cards=_own_cards(read_cards(cells), is_childs=is_childs),
        address=_read_address(cells, arrived_at),
        phone=_read_phone(cells),
        ethnicity=cells.text("MA_DANTOC"),
        nationality=cells.text("MA_QUOCTICH"),
        occupation=cells.text("MA_NGHE_NGHIEP"),
        blood_group=cells.text("NHOM_MAU"),
        mother_name=mother_name if newborn else None,
    )


def _read_birth(cells: Cells, arrived_at: datetime | None, today: date) -> PartialDate | None:
    text = cells.text("NGAY_SINH")
    if text is None:
        cells.faults.refuse("required-missing", cells.table, "NGAY_SINH")
        return None
    try:
        birth = PartialDate.from_received(text)
    except ValueError:
        cells.faults.refuse(
            "date-shape", cells.table, "NGAY_SINH", text=text, expected="yyyymmddHHMM"
        )
        return None
    if birth.earliest > today:
        cells.faults.refuse("birth-in-future", cells.table, "NGAY_SINH")
    elif arrived_at is not None and birth.earliest > arrived_at.date():
        cells.faults.refuse("birth-after-visit", cells.table, "NGAY_SINH")
    return birth


def _read_number(cells: Cells) -> Number | None:
    """Read SO_CCCD. Digits that are no number refuse the visit; other unknown papers do not.

    The field may hold a foreigner's account code, whose shape is not published: a warning.
    """
    text = cells.text("SO_CCCD")
    if text is None:
        return None
    known = classify_person_number(text)
    if known is not None:
        return known
    if not text.isdigit():
        cells.faults.warn(
            "person-number-unknown", cells.table, cells.number, "SO_CCCD", text, CITIZEN_LENGTHS
        )
        return None
    try:
        check_citizen_number(text)
    except InvalidIdentifier as fault:
        cells.faults.refuse(fault.code, cells.table, "SO_CCCD", text=text, expected=CITIZEN_LENGTHS)
    return None


def _is_newborn(
    tables: dict[str, list[Row]], birth: PartialDate, arrived_at: datetime | None
) -> bool:
    """Tell a child of at most 28 days at arrival, or on a temporary card (MA_THE_TAM)."""
    if arrived_at is None or not birth.is_full:
        return False
    age = arrived_at.date() - birth.earliest
    if age <= NEWBORN:
        return True
    papers = (tables.get(name, ()) for name in ("XML7", "XML8", "XML11"))
    has_card = any(row.get("MA_THE_TAM") for rows in papers for row in rows)
    return has_card and age <= timedelta(days=366)


def _whose_number(
    number: Number | None, birth: PartialDate, came_on: date, *, is_newborn: bool
) -> tuple[Number | None, Number | None]:
    """Return (own, mother's): under whose number a child came who was sent without one.

    A newborn's number of another year of birth is the mother's. So is an older child's whose
    number says ten years more: the child would become its holder before the mother is known.
    A grown person's stays theirs, for matching to find what disagrees: more births are mistyped.
    """
    if number is None:
        return None, None
    system, value = number
    if system is not IdentifierSystem.CITIZEN:
        return (None, number) if is_newborn else (number, None)
    years = birth.year - citizen_birth_year(value)
    if is_newborn:
        return (None, number) if years else (number, None)
    is_child = came_on.year - birth.year < GROWN_YEARS
    return (None, number) if is_child and years >= PARENT_YEARS else (number, None)


def _warn_of_number(
    cells: Cells, own: Number | None, of_another: Number | None, birth: PartialDate, sex: Sex
) -> None:
    """Tell the facility where a citizen number and the person do not fit (vietnam.md §2.1).

    Never more than a warning: decrees let sex and birth be corrected while the number stays.
    """
    if of_another is not None:
        _warn(cells, "person-number-of-another", of_another, "the person's own number")
    if own is None or own[0] is not IdentifierSystem.CITIZEN:
        return
    if citizen_birth_year(own[1]) != birth.year:
        _warn(cells, "person-number-year", own, "the birth year in digits 4-6")
    if sex is not Sex.UNKNOWN and citizen_sex(own[1]) is not sex:
        _warn(cells, "person-number-sex", own, "the sex in digit 4")


def _warn(cells: Cells, code: str, number: Number, expected: str) -> None:
    cells.faults.warn(code, cells.table, cells.number, "SO_CCCD", number[1], expected)


def _is_small(mother: Number | None, birth: PartialDate, came_on: date) -> bool:
    """Tell a child under the mother's number who is young enough for a TE card of their own."""
    return mother is not None and came_on.year - birth.year <= CHILD_CARD_YEARS


def _own_cards(cards: tuple[ReceivedCard, ...], *, is_childs: bool) -> tuple[ReceivedCard, ...]:
    """Leave out a newborn's cards of another group than TE, children under 6: the mother's.

    So too a small child's who came under the mother's number.
    """
    if not is_childs:
        return cards
    return tuple(card for card in cards if card.card is None or card.card.startswith("TE"))


def _mother(tables: dict[str, list[Row]]) -> tuple[str | None, Number | None]:
    """Return the mother's name and number as a birth paper (XML9) or discharge paper tells them."""
    for row in tables.get("XML9", ()):
        if row.get("HO_TEN_NND"):
            return row["HO_TEN_NND"], classify_person_number(row.get("SO_CCCD_NND", ""))
    for name in ("XML7", "XML8", "XML11"):
        for row in tables.get(name, ()):
            if row.get("HO_TEN_ME"):
                social = row.get("MA_ME", "")
                is_number = social.isascii() and social.isdigit() and len(social) == 10  # noqa: PLR2004
                return row["HO_TEN_ME"], (
                    (IdentifierSystem.INSURANCE, social) if is_number else None
                )
    return None, None


def read_cards(cells: Cells) -> tuple[ReceivedCard, ...]:
    """Return the cards: MA_THE_BHYT, MA_DKBD, GT_THE_TU and GT_THE_DEN are parallel lists."""
    text = cells.text("MA_THE_BHYT")
    if text is None:
        return ()
    cards = []
    places, starts, ends = (
        _parallel(cells, element) for element in ("MA_DKBD", "GT_THE_TU", "GT_THE_DEN")
    )
    for index, each in enumerate(text.split(";")):
        if not (value := each.strip()):
            continue
        try:
            card, insurance_number = classify_card(value)
        except InvalidIdentifier as fault:
            cells.faults.warn(
                fault.code, cells.table, cells.number, "MA_THE_BHYT", value, "15 or 10 characters"
            )
            continue
        cards.append(
            ReceivedCard(
                card=card,
                insurance_number=insurance_number,
                registered_facility=_at(places, index),
                valid_from=_day(cells, "GT_THE_TU", _at(starts, index)),
                valid_until=_day(cells, "GT_THE_DEN", _at(ends, index)),
            )
        )
    return tuple(dict.fromkeys(cards))


def _parallel(cells: Cells, element: str) -> list[str]:
    return [part.strip() for part in cells.row.get(element, "").split(";")]


def _at(values: list[str], index: int) -> str | None:
    return values[index] or None if index < len(values) else None


def _day(cells: Cells, element: str, text: str | None) -> date | None:
    if text is None:
        return None
    try:
        return parse_day(text)
    except ValueError:
        cells.faults.warn("date-shape", cells.table, cells.number, element, text, "yyyymmdd")
        return None


def _read_address(cells: Cells, arrived_at: datetime | None) -> ReceivedAddress | None:
    """Return the address; a district, or a visit before 01/07/2025, says the old three levels."""
    line, province, district, commune = (
        cells.text(element)
        for element in ("DIA_CHI", "MATINH_CU_TRU", "MAHUYEN_CU_TRU", "MAXA_CU_TRU")
    )
    if not (line or province or commune):
        return None
    is_old = district is not None or (arrived_at is not None and has_districts(arrived_at.date()))
    return ReceivedAddress(
        line=line,
        scheme="three-level" if is_old else "two-level",
        province_code=province,
        district_code=district,
        commune_code=commune,
    )


def _read_phone(cells: Cells) -> str | None:
    text = cells.text("DIEN_THOAI")
    if text is None:
        return None
    try:
        return check_phone(text)
    except InvalidIdentifier as fault:
        cells.faults.warn(fault.code, cells.table, cells.number, "DIEN_THOAI", text, "a phone")
        return None
