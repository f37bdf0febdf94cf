"""The bookings of one morning at a small clinic, and what a scanner reads of its people."""

import itertools
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from uuid import uuid4

from sqlalchemy import select
from sqlalchemy.orm import Session

from phr_api.appointments.models import Booking, Schedule
from phr_api.clinics.models import ClinicQueue, ClinicService
from phr_api.devprovider import DemoPerson
from phr_api.identity.models import Account, ProfileIdentifier
from phr_api.kit import clock
from phr_api.kit.ids import new_public_id
from tests.factories.appointments import (
    make_booking,
    make_facility,
    make_queue,
    make_schedule,
    make_service,
    make_slot,
)
from tests.factories.people import Citizen, make_citizen, make_membership, make_profile

FIRST_CODE = 99070
CLERK, COLLEAGUE, LOOKER = "Lê Thị Quầy Thử", "Đỗ Thị Quầy Hai", "Vũ Văn Chỉ Xem"
WANDERER = "Trịnh Thị Hai Nơi"  # works at the branch, too, where she may only look
ROLES = {CLERK: "desk", COLLEAGUE: "desk", LOOKER: "viewer", WANDERER: "desk"}
MAIN, BRANCH = "Phòng khám Buổi Sáng", "Phòng khám Chi Nhánh"
NIGHT = ("Đặng Thị Sớm", "Bùi Văn Đêm", "Hồ Thị Trăng", "Ngô Văn Sao", "Dương Thị Mưa")
MORNING = ("Phan Thị Mã", "Huỳnh Văn Thẻ", "Võ Thị Hạn", "Lý Văn Danh", "Mai Thị Chờ")
WITH_OLD_CARD = 2
REMINDED = 3  # of the night: half of the time to answer has passed
_codes = itertools.count(FIRST_CODE)


@dataclass(frozen=True, slots=True)
class Clinic:
    """Who works there, and who is expected: by night requested, and today."""

    code: str
    staff: tuple[DemoPerson, ...]
    queue: ClinicQueue
    service: ClinicService
    requests: list[Booking]
    today: list[Booking]
    people: list[Citizen]

    def code_of(self, index: int) -> str:
        """What the app of this person shows at the desk."""
        booking = self.today[index]
        return f"PHRB1.{booking.id}.{booking.qr_secret}"

    def card_of(self, index: int, session: Session) -> str:
        """What the citizen card of this person says: seven fields."""
        profile = self.people[index].profile
        number = session.scalar(
            select(ProfileIdentifier.value).where(ProfileIdentifier.profile_id == profile.id)
        )
        year, month, day = profile.birth.split("-")
        fields = (number, "", profile.full_name, f"{day}{month}{year}", "Nữ", "Hà Nội", "01012022")
        return "|".join(str(field) for field in fields)


def open_clinic(session: Session, *, issuer: str) -> Clinic:
    """Make a clinic with four members of staff, five requests and five people today."""
    code = make_facility(session, code=str(next(_codes)), name=MAIN)
    branch = make_facility(session, code=str(next(_codes)), name=BRANCH)
    queue = make_queue(session, facility_code=code)
    service = make_service(session, facility_code=code, name="Khám nội", queue=queue)
    schedule = make_schedule(session, service=service, name="Ca sáng")
    staff = tuple(_member(session, issuer, code, name, branch) for name in ROLES)
    today, people = [], []
    for count in range(len(MORNING)):
        citizen, booking = _expected(session, schedule, count)
        people.append(citizen)
        today.append(booking)
    requests = [_request(session, schedule, count) for count in range(len(NIGHT))]
    return Clinic(code, staff, queue, service, requests, today, people)


def _member(session: Session, issuer: str, code: str, name: str, branch: str) -> DemoPerson:
    person = DemoPerson(subject=uuid4().hex, name=name, audience="staff")
    account = Account(
        id=new_public_id(), issuer=issuer, subject=person.subject, created_at=clock.now()
    )
    session.add(account)
    session.commit()
    make_membership(session, account, facility_code=code, role=ROLES[name]).display_name = name
    if name == WANDERER:
        make_membership(session, account, facility_code=branch, role="viewer").display_name = name
    session.commit()
    return person


def _request(session: Session, schedule: Schedule, count: int) -> Booking:
    at = clock.now() - timedelta(hours=9 - count, minutes=7 * count)
    slot = make_slot(session, schedule=schedule, starts_in=timedelta(days=1, hours=count))
    citizen = make_citizen(session, profile=make_profile(session, full_name=NIGHT[count]))
    return make_booking(
        session,
        citizen=citizen,
        slot=slot,
        state="requested",
        created_at=at,
        state_at=at,
        desk_reminded_at=clock.now() if count == REMINDED else None,
    )


def _expected(session: Session, schedule: Schedule, count: int) -> tuple[Citizen, Booking]:
    starts = datetime.combine(clock.today(), time(7 + count // 4, 15 * (count % 4)), clock.VIETNAM)
    slot = make_slot(session, schedule=schedule, starts_at=starts)
    citizen = make_citizen(session, profile=make_profile(session, full_name=MORNING[count]))
    valid = clock.today() + timedelta(days=-30 if count == WITH_OLD_CARD else 300)
    return citizen, make_booking(
        session,
        citizen=citizen,
        slot=slot,
        card_number=f"GD4010000000{count:03}",
        card_valid_until=valid,
    )
