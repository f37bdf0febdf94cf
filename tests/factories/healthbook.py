"""Visits for tests: written by the real write, past the policies."""

from collections.abc import Collection
from datetime import date, datetime, timedelta
from decimal import Decimal
from uuid import UUID

from sqlalchemy.orm import Session

from phr_api import audit, healthbook
from phr_api.clinics import CodeRow, NewFacility, load_codes, save_facilities
from phr_api.consent import RecordScope, open_for_intake
from phr_api.healthbook import facts
from phr_api.identity.models import Profile
from phr_api.kit.ids import new_row_id
from phr_api.vocab import VIETNAM, FacilityCode, PaperKind, ProfileId, SensitivityClass
from tests.factories.people import FACILITY

STARTED = datetime(2026, 3, 2, 8, 30, tzinfo=VIETNAM)
OPERATOR = audit.Actor(kind="operator", id=None)


def make_facts(
    *,
    started_at: datetime = STARTED,
    code: str = "I10",
    classes: Collection[SensitivityClass] = (),
    results: int = 2,
    medications: int = 2,
    facility_code: str = FACILITY,
    result_value: str = "5.40",
) -> facts.Visit:
    """Return a visit with one fact of every table, all of the same sensitivity."""
    label = frozenset(classes)
    return facts.Visit(
        encounter=_encounter(started_at, code, label, facility_code),
        medications=tuple(_medication(started_at, n, label) for n in range(1, medications + 1)),
        procedures=(_procedure(started_at, label),),
        results=tuple(_result(started_at, n, label, result_value) for n in range(1, results + 1)),
        notes=(_note(started_at, label),),
        programmes=(
            facts.Programme(line_no=1, kind="tb", started_on=date(2026, 3, 2), classes=label),
        ),
        papers=(_paper(label),),
    )


def _encounter(
    at: datetime, code: str, label: frozenset[SensitivityClass], facility_code: str
) -> facts.Encounter:
    return facts.Encounter(
        visit_key=f"LK-{new_row_id().hex[-8:]}",
        facility_code=FacilityCode(facility_code),
        started_at=at,
        ended_at=at + timedelta(hours=2),
        medicines_until=date(2026, 4, 1),
        care_type="01",
        category="1.1",
        reason="Đau đầu",
        discharge_diagnosis="Tăng huyết áp",
        diagnoses=(
            facts.Diagnosis(code=code, role="main"),
            facts.Diagnosis(code="Z99.99", role="other"),
        ),
        outcome="2",
        discharge_kind="1",
        advice="Uống thuốc đều",
        weight_kg=Decimal("52.50"),
        departments=("K01",),
        revisit_on=(date(2026, 4, 2),),
        record_number="HS-01",
        classes=label,
        received={"T_TONGCHI_BV": "150000.00", "T_BHTT": "120000", "LA_LUNG": "x"},
    )


def _procedure(at: datetime, label: frozenset[SensitivityClass]) -> facts.Procedure:
    return facts.Procedure(
        line_no=1,
        kind="service",
        group_code="18",
        code="13.0033.0617",
        name="Thủ thuật thử",
        quantity=Decimal(1),
        ordered_at=at,
        performed_at=at,
        classes=label,
        received={"DON_GIA_BV": "30000"},
    )


def _note(at: datetime, label: frozenset[SensitivityClass]) -> facts.Note:
    return facts.Note(
        line_no=1,
        noted_at=at,
        text="Tỉnh, tiếp xúc tốt",
        vitals=facts.Vitals(pulse=75, temperature=Decimal("37.0"), nursing_level=2),
        classes=label,
    )


def _paper(label: frozenset[SensitivityClass]) -> facts.Paper:
    return facts.Paper(
        line_no=1,
        kind=PaperKind.FOLLOW_UP,
        number="HK-01",
        issued_on=date(2026, 3, 2),
        appointment_on=date(2026, 4, 2),
        details={"note": "Nhịn ăn sáng"},
        classes=label,
        received={"SO_GIAYHEN_KL": "HK-01"},
    )


def _medication(at: datetime, number: int, label: frozenset[SensitivityClass]) -> facts.Medication:
    return facts.Medication(
        line_no=number,
        code="40.659",
        name=f"Thuốc thử {number}",
        strength="5mg",
        route="1.01",
        dose_text="1 viên/lần * 2 lần/ngày * 30 ngày",
        quantity=Decimal("60.000"),
        unit="viên",
        ordered_at=at,
        until_on=at.date() + timedelta(days=29 + number),
        classes=label,
        received={"DON_GIA": "1200"},
    )


def _result(
    at: datetime, number: int, label: frozenset[SensitivityClass], value: str
) -> facts.Result:
    return facts.Result(
        line_no=number,
        service_code="23.0075.1494",
        service_name="Định lượng Glucose",
        code=f"XN{number:02}",
        name=f"Chỉ số {number}",
        value_text=value,
        value_num=Decimal(value) if value.replace(".", "").isdigit() else None,
        unit="mmol/L",
        resulted_at=at + timedelta(hours=1),
        classes=label,
        received={"GIA_TRI": value},
    )


def intake_scope(session: Session, profile: Profile) -> RecordScope:
    """Return the scope in which intake writes this person's record."""
    return open_for_intake(session, OPERATOR, FACILITY, ProfileId(profile.id))


def make_visit(
    session: Session,
    profile: Profile,
    visit: facts.Visit | None = None,
    *,
    supersedes: UUID | None = None,
) -> UUID:
    """Save a visit of this person; returns its encounter's id."""
    encounter_id = new_row_id()
    healthbook.write_visit(
        session,
        intake_scope(session, profile),
        visit or make_facts(),
        encounter_id=encounter_id,
        supersedes=supersedes,
        submission_id=None,
        source_state="absent",
    )
    session.commit()
    return encounter_id


def make_directory(session: Session) -> None:
    """Save the facility of the factories, and words for their codes."""
    save_facilities(session, [NewFacility(code=FACILITY, name="Bệnh viện Đa khoa Thử Nghiệm")])
    for system, code, vi, en in (
        ("icd10", "I10", "Tăng huyết áp vô căn", "Essential hypertension"),
        ("care-type", "01", "Khám bệnh", "Outpatient examination"),
        ("outcome", "2", "Đỡ", "Improved"),
    ):
        load_codes(session, system, "test", [CodeRow(system=system, code=code, vi=vi, en=en)])
    session.commit()
