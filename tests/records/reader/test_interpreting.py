"""What a visit tells: the person, the visit, its facts and how sensitive they are."""

from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from phr_api.records.reader import Reading
from phr_api.records.reader.lines import last_day, read_vitals
from phr_api.vocab import VIETNAM, IdentifierSystem, PaperKind, SensitivityClass, Sex
from tests.factories.claims import (
    Patient,
    a_birth_paper,
    a_follow_up,
    a_medicine,
    a_note,
    a_referral,
    a_result,
    a_service,
    check_in_file,
    claim_file,
    make_arrival,
    make_visit,
)
from tests.records.reader.looking import reading_of

DATA = Path(__file__).parents[2] / "data"
HIV, TB = SensitivityClass.HIV, SensitivityClass.TB
MENTAL, REPRODUCTIVE = SensitivityClass.MENTAL, SensitivityClass.REPRODUCTIVE


def read(**given: object) -> Reading:
    return reading_of(claim_file([make_visit(**given)]))  # type: ignore[arg-type]


def at(hour: int, minute: int) -> datetime:
    return datetime(2026, 10, 5, hour, minute, tzinfo=VIETNAM)


def test_the_made_outpatient_visit_is_told_whole() -> None:
    reading = reading_of((DATA / "made_3176_outpatient.xml").read_bytes())
    visit = reading.visit
    assert reading.warnings == ()
    assert visit.encounter.started_at == at(8, 20)
    assert visit.encounter.ended_at == at(10, 30)
    assert [(each.code, each.role) for each in visit.encounter.diagnoses] == [
        ("I10", "main"),
        ("R51", "other"),
        ("E78.5", "other"),
    ]
    assert visit.encounter.revisit_on == (date(2026, 11, 4), date(2026, 12, 4))
    assert visit.encounter.received["T_BNCCT"] == "30923.00"
    assert [each.until_on for each in visit.medications] == [date(2026, 10, 9), date(2026, 11, 3)]
    assert visit.medications[0].instructions == "Uống sau ăn & khi sốt > 38.5°C"
    assert [each.group_code for each in visit.procedures] == ["13", "1", "2"]
    glucose, xray = visit.results
    assert (glucose.name, glucose.value_num) == ("Glucose", Decimal("5.4"))
    assert glucose.service_name == "Định lượng Glucose [Máu]"
    assert xray.value_text is None
    assert xray.conclusion == "Không thấy bất thường."
    assert [paper.kind for paper in visit.papers] == [PaperKind.SICK_LEAVE, PaperKind.FOLLOW_UP]


def test_the_made_inpatient_visit_is_told_whole() -> None:
    visit = reading_of((DATA / "made_3176_inpatient_referral.xml").read_bytes()).visit
    assert visit.encounter.admitted_at is not None
    assert visit.encounter.departments == ("K01", "K03")
    assert visit.encounter.referred_to == "99002"
    assert [each.value_text for each in visit.results] == ["14.2", "112", "> 150", "Âm tính"]
    assert [each.value_num for each in visit.results][2:] == [None, None]
    assert [sorted(each.classes) for each in visit.results] == [[], [], [], [HIV]]
    assert visit.encounter.classes == frozenset()
    assert len(visit.notes) == 2
    discharge, summary, referral = visit.papers
    assert discharge.from_on == date(2026, 10, 14)
    assert "dị ứng: Penicillin" in summary.details["history"]
    assert referral.to_facility == "99002"


def test_the_person_is_told_with_numbers_cards_and_address() -> None:
    person = read().person
    assert person.number == (IdentifierSystem.CITIZEN, "001190000000")
    assert str(person.birth) == "1990-02-28"
    assert person.born_at is None
    assert person.sex is Sex.FEMALE
    assert person.phone == "+84900000000"
    (card,) = person.cards
    assert card.insurance_number == "9900000000"
    assert card.valid_until == date(2026, 12, 31)
    assert person.address is not None
    assert person.address.scheme == "two-level"
    assert not person.is_newborn


def test_parallel_lists_of_cards_are_read_by_index() -> None:
    person = Patient(
        card="GD4019900000000;HC4019900000000;QN5979900000001",
        registered_at="99001;99002;",
        card_from="20260101;20260601;20260701",
        card_to="20260531;20261231",
    )
    first, second, third = read(person=person).person.cards
    assert (first.registered_facility, first.valid_until) == ("99001", date(2026, 5, 31))
    assert (second.registered_facility, second.valid_from) == ("99002", date(2026, 6, 1))
    assert (third.registered_facility, third.valid_until) == (None, None)


@pytest.mark.parametrize(
    ("elements", "scheme"),
    [
        ({}, "two-level"),
        ({"MAHUYEN_CU_TRU": "001"}, "three-level"),
        ({"NGAY_VAO": "202506300820", "NGAY_RA": "202506301030"}, "three-level"),
        ({"NGAY_VAO": "202507010820", "NGAY_RA": "202507011030"}, "two-level"),
    ],
)
def test_an_address_says_which_divisions_it_is_in(elements: dict[str, str], scheme: str) -> None:
    address = read(**elements).person.address
    assert address is not None
    assert address.scheme == scheme


def test_cells_that_cannot_be_read_are_warnings_and_stay_received() -> None:
    reading = read(
        person=Patient(card="khong co", phone="12", citizen_number="AB1234567"),
        tables={"XML4": [a_result(NGAY_KQ="20269999")], "XML2": [a_medicine(SO_LUONG="2,5")]},
        NGAY_TAI_KHAM="20261104;mai",
    )
    assert [(each.table, each.element, each.code) for each in reading.warnings] == [
        ("XML1", "NGAY_TAI_KHAM", "date-shape"),
        ("XML1", "SO_CCCD", "person-number-unknown"),
        ("XML1", "MA_THE_BHYT", "card-shape"),
        ("XML1", "DIEN_THOAI", "phone-shape"),
        ("XML2", "SO_LUONG", "number-shape"),
        ("XML4", "NGAY_KQ", "date-shape"),
    ]
    assert reading.person.number is None
    assert reading.visit.encounter.revisit_on == (date(2026, 11, 4),)
    assert reading.visit.results[0].received["NGAY_KQ"] == "20269999"


@pytest.mark.parametrize("care_type", ["02", "05", "07", "5"])
def test_the_end_of_a_course_is_the_last_day_of_medicine(care_type: str) -> None:
    medicine = a_medicine(LIEU_DUNG="theo đơn")
    reading = read(MA_LOAI_KCB=care_type, NGAY_RA="202612042359", tables={"XML2": [medicine]})
    assert reading.visit.encounter.ended_at is None
    assert reading.visit.encounter.medicines_until == date(2026, 12, 4)
    assert reading.visit.medications[0].until_on == date(2026, 12, 4)


def test_an_end_in_the_future_is_no_end() -> None:
    encounter = read(NGAY_RA="202612042359").visit.encounter
    assert (encounter.ended_at, encounter.medicines_until) == (None, date(2026, 12, 4))


@pytest.mark.parametrize(
    ("dose", "until"),
    [
        ("1 viên/lần * 4 lần/ngày * 5 ngày [4 viên/ngày]", date(2026, 10, 9)),
        ("12g * 1 thang * 7 ngày", date(2026, 10, 11)),
        ("1 lọ/lần * 2 lần/ngày * 01 ngày [2 lọ/ngày]", date(2026, 10, 5)),
        ("Sáng: 3 viên, Chiều: 2 viên, Tối: 1 viên [6 viên/ngày]", None),
        ("3 lít/phút", None),
        ("* 999 ngày", None),
        ("* 0 ngày", None),
        (None, None),
    ],
)
def test_a_dose_tells_its_last_day_where_it_does(dose: str | None, until: date | None) -> None:
    assert last_day(dose, at(9, 15)) == until
    assert last_day(dose, None) is None


def test_vitals_are_read_as_far_as_they_hold_to_the_convention() -> None:
    vitals = read_vitals("Mệt. CSST<M98_T38.7_HA120/70_NT24_SP94_HL2>")
    assert vitals is not None
    assert (vitals.pulse, vitals.systolic, vitals.diastolic) == (98, 120, 70)
    assert (vitals.temperature, vitals.spo2) == (Decimal("38.7"), 94)
    partly = read_vitals("CSST<M75_lạ_HA120>")
    assert partly is not None
    assert (partly.pulse, partly.systolic, partly.diastolic) == (75, 120, None)
    for note in (None, "", "CSST", "CSST<>", "CSST<lạ>", "M75"):
        assert read_vitals(note) is None


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("5.4", Decimal("5.4")),
        ("-3", Decimal(-3)),
        ("0012", Decimal(12)),
        ("> 150", None),
        ("5,4", None),
        ("Âm tính", None),
        ("1e400", None),
        ("NaN", None),
        ("1" * 40, None),
        ("", None),
    ],
)
def test_a_value_is_a_number_only_if_it_plainly_is(text: str, number: Decimal | None) -> None:
    (result,) = read(tables={"XML4": [a_result(GIA_TRI=text)]}).visit.results
    assert result.value_num == number
    assert result.value_text == (text or None)


def test_a_supply_is_told_from_a_service() -> None:
    supply = a_service(2, MA_VAT_TU="N01.01.010", TEN_VAT_TU="Bơm tiêm 5ml", MA_NHOM="10")
    service, kit = read(tables={"XML3": [a_service(), supply]}).visit.procedures
    assert (service.kind, service.code) == ("service", "23.0075.1494")
    assert (kit.kind, kit.code, kit.name) == ("supply", "N01.01.010", "Bơm tiêm 5ml")


def test_a_newborn_under_the_mothers_number_is_its_own_person() -> None:
    person = Patient(
        name="Nguyễn Thị Thử Nghiệm", birth="202610050610", sex="1", card="TE1019800000001"
    )
    papers = {"XML9": [a_birth_paper()]}
    reading = read(person=person, tables=papers)
    assert reading.person.is_newborn
    assert reading.person.number is None
    assert reading.person.mother_number == (IdentifierSystem.CITIZEN, "001190000000")
    assert reading.person.mother_name == "Nguyễn Thị Thử Nghiệm"
    assert reading.person.born_at == at(6, 10)


def test_a_newborn_with_a_number_of_its_own_keeps_it() -> None:
    person = Patient(birth="202610050610", sex="1", citizen_number="001226000001")
    reading = read(person=person)
    assert reading.person.number == (IdentifierSystem.CITIZEN, "001226000001")
    assert reading.person.mother_number is None


@pytest.mark.parametrize(("card", "kept"), [("TE1019800000001", 1), ("GD4019900000000", 0)])
def test_a_newborn_keeps_a_childs_card_and_not_the_mothers(card: str, kept: int) -> None:
    """So that whoever is born is never taken for the holder of the card they were born under."""
    reading = read(person=Patient(birth="202610050610", sex="1", card=card))
    assert reading.person.is_newborn
    assert len(reading.person.cards) == kept


@pytest.mark.parametrize("birth", ["202608200610", "202110050000", "2015"])
def test_a_child_under_the_mothers_number_does_not_become_its_holder(birth: str) -> None:
    """46 days, five and eleven years: older than a newborn, and the number says 1990."""
    reading = read(person=Patient(birth=birth, card=""))
    assert not reading.person.is_newborn
    assert reading.person.number is None
    assert reading.person.mother_number == (IdentifierSystem.CITIZEN, "001190000000")
    assert [warning.code for warning in reading.warnings] == ["person-number-of-another"]
    assert reading.warnings[0].received_shape == "12 digits"


@pytest.mark.parametrize(("card", "kept"), [("TE1019800000001", 1), ("GD4019900000000", 0)])
def test_a_small_child_under_the_mothers_number_keeps_a_childs_card(card: str, kept: int) -> None:
    assert len(read(person=Patient(birth="202608200610", card=card)).person.cards) == kept


@pytest.mark.parametrize(
    ("person", "codes"),
    [
        (Patient(), []),
        (Patient(sex=""), []),
        (Patient(birth="198902280000"), ["person-number-year"]),
        (Patient(birth="200502280000", card=""), ["person-number-year"]),
        (Patient(sex="1"), ["person-number-sex"]),
        (Patient(citizen_number="001215000001", birth="201502280000", sex="1"), []),
        (
            Patient(citizen_number="001205000001", birth="201402280000", sex="1"),
            ["person-number-year"],
        ),
    ],
)
def test_a_number_that_does_not_fit_birth_or_sex_is_kept_with_a_warning(
    person: Patient, codes: list[str]
) -> None:
    reading = read(person=person)
    assert reading.person.number == (IdentifierSystem.CITIZEN, person.citizen_number)
    assert [warning.code for warning in reading.warnings] == codes


def test_a_mother_is_no_newborn_whatever_papers_came() -> None:
    person = read(tables={"XML9": [a_birth_paper()]}).person
    assert not person.is_newborn
    assert person.mother_number is None


@pytest.mark.parametrize(
    ("codes", "expected"),
    [
        ({"MA_BENH_CHINH": "B20"}, HIV),
        ({"MA_BENH_CHINH": "I10", "MA_BENH_KT": "R51;Z21"}, HIV),
        ({"MA_BENH_CHINH": "A15.0"}, TB),
        ({"MA_BENH_CHINH": "F32.1"}, MENTAL),
        ({"MA_BENH_CHINH": "O03.9"}, REPRODUCTIVE),
        ({"CHAN_DOAN_RV": "Theo dõi HIV"}, HIV),
    ],
)
def test_a_diagnosis_gives_its_class_to_every_fact(
    codes: dict[str, str], expected: SensitivityClass
) -> None:
    visit = read(**codes, tables={"XML5": [a_note()], "XML14": [a_follow_up()]}).visit
    facts = [
        visit.encounter,
        *visit.medications,
        *visit.procedures,
        *visit.results,
        *visit.notes,
        *visit.papers,
    ]
    assert len(facts) == 6
    assert all(expected in fact.classes for fact in facts)


def test_a_line_or_paper_that_names_a_class_carries_it_alone() -> None:
    visit = read(
        tables={
            "XML2": [a_medicine(), a_medicine(2, TEN_THUOC="Rifampicin 150mg")],
            "XML3": [a_service(), a_service(2, MA_DICH_VU="24.0169.1616", TEN_DICH_VU="XN")],
            "XML4": [a_result(), a_result(2, MA_DICH_VU="24.0169.1616", TEN_CHI_SO="Ab")],
            "XML5": [a_note(), a_note(2, DIEN_BIEN_LS="Trầm cảm, mất ngủ")],
            "XML13": [a_referral(DAU_HIEU_LS="Thai kỳ 30 tuần")],
        }
    ).visit
    assert visit.encounter.classes == frozenset()
    assert [each.classes for each in visit.medications] == [frozenset(), {TB}]
    assert [each.classes for each in visit.procedures] == [frozenset(), {HIV}]
    assert [each.classes for each in visit.results] == [frozenset(), {HIV}]
    assert [each.classes for each in visit.notes] == [frozenset(), {MENTAL}]
    assert [each.classes for each in visit.papers] == [{REPRODUCTIVE}]


def test_the_service_that_a_result_belongs_to_tells_too() -> None:
    service = a_service(MA_DICH_VU="22.1", TEN_DICH_VU="HIV khẳng định")
    visit = read(tables={"XML3": [service], "XML4": [a_result(MA_DICH_VU="22.1")]}).visit
    assert visit.results[0].classes == {HIV}


@pytest.mark.parametrize("asked", [{"MA_DICH_VU": "24.0169.1616"}, {"TEN_DICH_VU": "HIV Ab"}])
def test_an_arrival_for_a_test_is_labelled_by_the_test(asked: dict[str, str]) -> None:
    arrival = make_arrival("A1", **asked)  # type: ignore[arg-type]
    assert reading_of(check_in_file([arrival])).visit.encounter.classes == {HIV}


def test_care_under_a_programme_labels_the_whole_visit() -> None:
    hiv = {"BDDT_ARV": "20260105", "MA_PHAC_DO_DIEU_TRI": "1A", "LOAI_DTRI_LAO": "2"}
    visit = read(tables={"XML6": [hiv]}).visit
    (programme,) = visit.programmes
    assert (programme.kind, programme.started_on) == ("hiv", date(2026, 1, 5))
    assert programme.classes == {HIV, TB}
    assert visit.medications[0].classes == {HIV}
    tb = {"NGAYBD_DTRI_LAO": "20260105", "NGAYKT_DTRI_LAO": "20260705", "PHANLOAI_LAO_HIV": "2"}
    visit = read(tables={"XML15": [tb]}).visit
    assert visit.programmes[0].classes == {TB}
    assert visit.programmes[0].ended_on == date(2026, 7, 5)
    assert visit.encounter.classes == {TB}


def test_papers_of_pregnancy_are_reproductive() -> None:
    visit = read(
        tables={
            "XML7": [{"SO_LUU_TRU": "1", "MA_DINH_CHI_THAI": "1", "TUOI_THAI": "9"}],
            "XML9": [a_birth_paper()],
            "XML10": [{"SO_SERI": "1", "TU_NGAY": "20261005", "DEN_NGAY": "20261012"}],
        }
    ).visit
    assert [paper.kind for paper in visit.papers] == [
        PaperKind.DISCHARGE,
        PaperKind.BIRTH,
        PaperKind.PREGNANCY_REST,
    ]
    assert all(paper.classes == {REPRODUCTIVE} for paper in visit.papers)


def test_moments_on_papers_are_shown_as_people_read_them() -> None:
    (paper,) = read(tables={"XML13": [a_referral()]}).visit.papers
    assert paper.details["admittedAt"] == "2026-10-05T08:20:00+07:00"
    (birth,) = read(tables={"XML9": [a_birth_paper()]}).visit.papers
    assert birth.details["bornAt"] == "2026-10-05T06:10:00+07:00"
    odd = a_birth_paper(NGAY_SINH_CON="sáng sớm")
    (birth,) = read(tables={"XML9": [odd]}).visit.papers
    assert birth.details["bornAt"] == "sáng sớm"


def test_every_element_of_every_row_is_kept() -> None:
    sent = make_visit(tables={"XML5": [a_note()], "XML13": [a_referral(LA="x")]})
    visit = reading_of(claim_file([sent])).visit
    assert visit.encounter.received == sent["XML1"][0]
    assert visit.medications[0].received == sent["XML2"][0]
    assert visit.procedures[0].received == sent["XML3"][0]
    assert visit.results[0].received == sent["XML4"][0]
    assert visit.notes[0].received == sent["XML5"][0]
    assert visit.papers[0].received == sent["XML13"][0]
