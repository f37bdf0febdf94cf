"""Valid files, mutated: whatever comes out is a value, VisitRefused or FileRefused."""

import base64
import gzip
import random
import re
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from phr_api.records.reader import (
    FileRefused,
    Limits,
    Reason,
    VisitRefused,
    VisitSegment,
    content_digest,
    interpret,
    open_file,
    read_visit,
)
from phr_api.records.reader.layout import LAYOUTS
from phr_api.records.reader.reasons import VISIT_MESSAGES
from tests.factories.claims import (
    LISTS,
    Patient,
    Row,
    a_birth_paper,
    a_follow_up,
    a_note,
    a_referral,
    as_elements,
    check_in_file,
    claim_file,
    make_arrival,
    make_visit,
    table_xml,
    visit_xml,
)
from tests.records.reader.looking import FACILITY, TODAY

DATA = Path(__file__).parents[2] / "data"
MADE = [path.read_bytes() for path in sorted(DATA.glob("made_*.xml"))]
WIDE = make_visit(
    "A1",
    tables={
        "XML5": [a_note()],
        "XML6": [{"BDDT_ARV": "20260105"}],
        "XML7": [{"SO_LUU_TRU": "1", "NGAY_CT": "20261005"}],
        "XML9": [a_birth_paper()],
        "XML13": [a_referral()],
        "XML14": [a_follow_up()],
        "XML15": [{"NGAYBD_DTRI_LAO": "20260105"}],
    },
)
SEEDS = [
    *MADE,
    claim_file([WIDE]),
    claim_file([WIDE], put=as_elements),
    claim_file([visit_xml(WIDE, wrapped=False)], path=()),
    check_in_file([make_arrival("A1"), make_arrival("A2")]),
]
LIMITS = Limits(inflated_bytes=1 << 20, visit_bytes=1 << 19, visits=50)
MANY = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
CONTENT = re.compile(rb"<NOIDUNGFILE>([A-Za-z0-9+/=]+)</NOIDUNGFILE>")


def survive(raw: bytes, *, chunk: int = 4096) -> None:
    """Read a file as intake does; anything but our own two exceptions fails the test."""
    pieces = [raw[at : at + chunk] for at in range(0, len(raw), chunk)]
    refusal: FileRefused | None = None
    try:
        for piece in open_file(pieces, LIMITS, facility_code=FACILITY):
            if isinstance(piece, VisitSegment):
                survive_visit(piece.raw)
    except FileRefused as refused:
        refusal = refused
    assert refusal is None or refusal.message["vi"]


def survive_visit(raw: bytes) -> None:
    reasons: list[Reason] | None = None
    try:
        visit = read_visit(raw)
        assert len(content_digest(visit)) == 32
        reading = interpret(visit, today=TODAY, facility_code=FACILITY)
        assert reading.person.full_name
        assert reading.visit.encounter.visit_key == visit.ma_lk
    except VisitRefused as refused:
        reasons = refused.reasons
    assert reasons is None or reasons
    assert all(reason.to_dict()["message"]["vi"] for reason in reasons or ())


def mutated(raw: bytes, seed: int) -> bytes:
    """Return the bytes with some cut out, doubled, exchanged or replaced."""
    dice = random.Random(seed)  # noqa: S311 - a mutation, no secret
    whole = bytearray(raw)
    for _ in range(dice.randint(1, 6)):
        at = dice.randrange(len(whole) or 1)
        length = min(dice.choice([1, 1, 2, 8, 200]), len(whole) - at)
        match dice.randrange(5):
            case 0:
                del whole[at : at + length]
            case 1:
                whole[at:at] = whole[at : at + length]
            case 2:
                whole[at : at + length] = dice.randbytes(length)
            case 3:
                whole[at:at] = dice.choice(INSERTED)
            case _:
                other = dice.randrange(len(whole) or 1)
                whole[at : at + length] = whole[other : other + length]
    return bytes(whole)


INSERTED = [
    b"<",
    b">",
    b"/>",
    b"&",
    b"&amp;",
    b"&x;",
    b"<!DOCTYPE a>",
    b"<!--",
    b"-->",
    b"<![CDATA[",
    b"]]>",
    b"<HOSO>",
    b"</HOSO>",
    b"<HOSO/>",
    b"<FILEHOSO/>",
    b"<?xml version='1.0' encoding='utf-16'?>",
    b"\x00",
    b"\xff",
    b"\xef\xbb\xbf",
    b"a:",
    b" xmlns='x'",
    b" a='>'",
    b"=",
]


@given(seed=st.integers(0, 2**32), which=st.sampled_from(range(len(SEEDS))))
@MANY
def test_bytes_of_a_file_may_be_anything(seed: int, which: int) -> None:
    survive(mutated(SEEDS[which], seed))


@given(seed=st.integers(0, 2**32), which=st.sampled_from(range(len(SEEDS))))
@MANY
def test_bytes_of_a_gzip_file_may_be_anything(seed: int, which: int) -> None:
    survive(mutated(gzip.compress(SEEDS[which]), seed))


@given(seed=st.integers(0, 2**32), which=st.sampled_from([0, 1, 2]))
@MANY
def test_bytes_within_the_base64_may_be_anything(seed: int, which: int) -> None:
    dice = random.Random(seed)  # noqa: S311

    def damage(found: re.Match[bytes]) -> bytes:
        table = base64.b64decode(found.group(1))
        if dice.random() < 0.5:
            table = mutated(table, dice.randrange(2**32))
        return b"<NOIDUNGFILE>" + base64.b64encode(table) + b"</NOIDUNGFILE>"

    survive(CONTENT.sub(damage, SEEDS[which]))


@given(raw=st.binary(max_size=400), chunk=st.integers(1, 50))
@MANY
def test_any_bytes_are_refused_or_read(raw: bytes, chunk: int) -> None:
    survive(raw, chunk=chunk)
    survive_visit(raw)


CELL = st.text(
    st.characters(
        codec="utf-8", exclude_categories=["Cc", "Cs"], exclude_characters="\ufffe\uffff"
    ),
    max_size=40,
)
SHAPE = re.compile(r"[0-9]+ (digits|letters|letters and digits|characters)")
ODD = st.one_of(
    CELL,
    st.sampled_from(["", " ", "0", "00000000", "99999999", "202610050820", "-1", "1e9", ";", ";;"]),
    st.from_regex(r"[0-9]{1,15}", fullmatch=True),
)


@st.composite
def odd_visits(draw: st.DrawFn) -> dict[str, list[Row]]:
    """Draw a visit in which any element of any table holds anything."""
    visit = {name: [dict(row) for row in rows] for name, rows in WIDE.items()}
    for name in draw(st.sets(st.sampled_from(sorted(LAYOUTS)), max_size=4)):
        if name in {"XML0", "XML12"}:
            continue
        rows = visit.setdefault(name, [{"MA_LK": "A1"}])
        elements = st.sampled_from([each for each in LAYOUTS[name].elements if each != "MA_LK"])
        rows[0] |= draw(st.dictionaries(elements, ODD, max_size=8))
    return visit


@given(visit=odd_visits())
@MANY
def test_cells_may_hold_anything(visit: dict[str, list[Row]]) -> None:
    survive(claim_file([visit]))


@given(visit=odd_visits())
@MANY
def test_what_a_visit_says_does_not_depend_on_how_it_is_written(
    visit: dict[str, list[Row]],
) -> None:
    digests = set()
    turned = {name: rows[::-1] for name, rows in reversed(visit.items())}

    def in_cdata(name: str, rows: list[Row]) -> str:
        return table_xml(name, rows, cdata=name in LISTS)

    for raw in (
        visit_xml(visit),
        visit_xml(turned),
        visit_xml(visit, put=as_elements),
        visit_xml(visit, make_table=in_cdata),  # type: ignore[arg-type]
        visit_xml(visit, wrapped=False),
    ):
        digests.add(content_digest(read_visit(raw.encode())))
    assert len(digests) == 1


@given(
    element=st.sampled_from([each for each in LAYOUTS["XML1"].elements if each != "STT"]),
    text=st.text(st.characters(categories=["L", "N"]), min_size=1, max_size=20),
)
@MANY
def test_every_changed_word_changes_what_is_said(element: str, text: str) -> None:
    plain = make_visit("A1", without=["XML2", "XML3", "XML4"])
    changed = {"XML1": [plain["XML1"][0] | {element: text}]}
    is_same = plain["XML1"][0].get(element) == text
    one, other = (content_digest(read_visit(visit_xml(each).encode())) for each in (plain, changed))
    assert (one == other) is is_same


@given(
    name=CELL,
    number=st.one_of(st.from_regex(r"[0-9]{0,14}", fullmatch=True), CELL),
    birth=ODD,
    card=ODD,
)
@MANY
def test_a_refusal_never_repeats_what_it_refuses(
    name: str, number: str, birth: str, card: str
) -> None:
    person = Patient(name=name, citizen_number=number, birth=birth, card=card)
    raw = visit_xml(make_visit("A1", person=person, NGAY_RA=birth)).encode()
    reasons: list[Reason] = []
    try:
        reasons += interpret(read_visit(raw), today=TODAY, facility_code=FACILITY).warnings
    except VisitRefused as refused:
        reasons += refused.reasons
    for reason in reasons:
        assert reason.code in VISIT_MESSAGES
        assert reason.element is None or reason.element in LAYOUTS["XML1"].elements
        assert reason.received_shape is None or SHAPE.fullmatch(reason.received_shape)
