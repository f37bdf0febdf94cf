"""What the demo facility offers: three services, the line to all, times from today on.

The hours are longer than a clinic's, so that there is something to book whenever one looks.
"""

from dataclasses import replace
from datetime import time

from sqlalchemy.orm import Session

from phr_api.appointments.rules.patterns import Plan
from phr_api.appointments.service.schedules import add_schedule
from phr_api.appointments.service.slots import make_slots
from phr_api.clinics.queries import find_services_by_code
from phr_api.clinics.service.listing import operators, read_known_holidays, save_holidays
from phr_api.clinics.service.offering import (
    NewPractitioner,
    NewQueue,
    NewService,
    add_practitioner,
    add_queue,
    add_service,
)
from phr_api.devprovider.people import FACILITY
from phr_api.kit import clock
from phr_api.kit.db import unit_of_work

EVERY_DAY = (1, 2, 3, 4, 5, 6, 7)
QUESTIONS = (
    {
        "id": "di-ung",
        "text": "Có dị ứng thuốc không?",
        "textEn": "Any allergy to a medicine?",
        "kind": "yes-no",
        "options": [],
        "isRequired": False,
    },
)
# a desk answers this one
VISIT = NewService(
    code="KHAM-NOI",
    name="Khám Nội tổng quát",
    name_en="General medicine",
    minutes=15,
    price_vnd=150_000,
    visit_kind="consultation",
    preparation="Mang theo thẻ bảo hiểm y tế và các toa thuốc đang dùng.",
    questions=QUESTIONS,
    lead_minutes=0,
    respond_minutes=240,
    when_unanswered="confirm",
)
# what follow-up papers of the department K01 lead to; a desk answers it, too
FOLLOW_UP = NewService(
    code="TAI-KHAM",
    name="Tái khám ngoại trú",
    name_en="Follow-up visit",
    minutes=30,
    price_vnd=100_000,
    visit_kind="follow-up",
    departments=("K01",),
    preparation="Mang theo giấy hẹn khám lại và kết quả lần trước.",
    lead_minutes=0,
)
# this one confirms by itself
BLOOD = NewService(
    code="LAY-MAU",
    name="Lấy máu xét nghiệm",
    name_en="Blood test",
    minutes=10,
    price_vnd=60_000,
    preparation="Nhịn ăn 8 giờ trước khi lấy máu.",
    confirms_itself=True,
    lead_minutes=0,
    has_waitlist=False,
)


def seed_clinics() -> None:
    """Let the demo facility offer its services, once, and make their slots."""
    with unit_of_work() as session:
        save_holidays(session, read_known_holidays())
        if VISIT.code not in find_services_by_code(session, FACILITY):
            _offer(session)
    while True:
        with unit_of_work() as session:
            if not make_slots(session, clock.now()):
                return


def _offer(session: Session) -> None:
    scope = operators(FACILITY)
    queue = add_queue(
        session, scope, NewQueue(name="Khám và xét nghiệm", prefix="A", rooms=["101", "102"])
    )
    doctor = add_practitioner(
        session,
        scope,
        NewPractitioner(
            full_name="Phạm Văn Bác Thử",
            title="BS.CKI",
            licence_number="000001/TEST-GPHN",
            specialty="Nội tổng quát",
        ),
    )
    for service, name, hours, seats in (
        (VISIT, "Phòng khám Nội", (time(6), time(22)), 2),
        (FOLLOW_UP, "Phòng tái khám", (time(6), time(22)), 1),
        (BLOOD, "Phòng lấy máu 24 giờ", (time(0), time(23, 50)), 3),
    ):
        row = add_service(session, scope, replace(service, queue_id=queue.id))
        add_schedule(
            session,
            scope,
            Plan(
                service_id=row.id,
                practitioner_id=None if service is BLOOD else doctor.id,
                room="102" if service is BLOOD else "101",
                name=name,
                pattern="weekly",
                weekdays=EVERY_DAY,
                starts=hours[0],
                ends=hours[1],
                slot_minutes=service.minutes,
                capacity=seats,
                valid_from=clock.today(),
                works_on_holidays=True,
                release_days=14,
                release_time=time(0),
            ),
        )
