"""What clinics offer, and bookings, for tests; written directly, past the rules of the service."""

import secrets
from datetime import date, datetime, time, timedelta
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from phr_api.appointments import State, take_seat
from phr_api.appointments.models import Booking, Schedule, ScheduleException, Seat, Slot
from phr_api.clinics.models import ClinicQueue, ClinicService, Facility, Practitioner
from phr_api.kit import clock
from phr_api.kit.ids import new_row_id
from phr_api.vocab import province_key, search_key
from tests.factories.people import FACILITY, Citizen, make_citizen

PROVINCE = "Hà Nội"
EVERY_DAY = [1, 2, 3, 4, 5, 6, 7]


def make_facility(session: Session, *, code: str = FACILITY, name: str = "Cơ sở thử") -> str:
    """Save a facility unless its code is there; returns the code."""
    row = insert(Facility).values(
        code=code, name=name, kind="clinic", province=PROVINCE, search_key=search_key(name)
    )
    session.execute(row.on_conflict_do_nothing(index_elements=["code"]))
    session.commit()
    return code


def make_queue(
    session: Session, *, facility_code: str = FACILITY, prefix: str = "A"
) -> ClinicQueue:
    """Save a line of its own."""
    make_facility(session, code=facility_code)
    row = ClinicQueue(
        id=new_row_id(),
        facility_code=facility_code,
        name="Quầy thử",
        prefix=prefix,
        rooms=["101", "102"],
        screen_key=secrets.token_urlsafe(16),
        created_at=clock.now(),
    )
    session.add(row)
    session.commit()
    return row


def make_service(
    session: Session,
    *,
    facility_code: str = FACILITY,
    code: str | None = None,
    name: str = "Khám thử",
    queue: ClinicQueue | None = None,
    confirms_itself: bool = False,
    has_waitlist: bool = False,
    **columns: object,
) -> ClinicService:
    """Save a service under a code of its own; further columns by name."""
    make_facility(session, code=facility_code)
    row = ClinicService(
        **{
            "id": new_row_id(),
            "facility_code": facility_code,
            "code": code or f"T{secrets.token_hex(6)}",
            "name": name,
            "search_key": search_key(name),
            "kind": "on-site",
            "minutes": 15,
            "queue_id": queue.id if queue else None,
            "confirms_itself": confirms_itself,
            "has_waitlist": has_waitlist,
            "created_at": clock.now(),
        }
        | columns
    )
    session.add(row)
    session.commit()
    return row


def make_practitioner(
    session: Session, *, facility_code: str = FACILITY, name: str = "Lê Thị Bác Sĩ Thử"
) -> Practitioner:
    """Save somebody whom a clinic lists, under a licence of their own."""
    make_facility(session, code=facility_code)
    row = Practitioner(
        id=new_row_id(),
        facility_code=facility_code,
        full_name=name,
        title="BS",
        licence_number=f"{secrets.token_hex(4)}/TEST-GPHN",
        created_at=clock.now(),
    )
    session.add(row)
    session.commit()
    return row


def make_schedule(
    session: Session, *, service: ClinicService | None = None, capacity: int = 1, **columns: object
) -> Schedule:
    """Save a schedule of every day, 7 to 17 o'clock; its slots are for make_slot or the worker."""
    service = service or make_service(session)
    row = Schedule(
        **{
            "id": new_row_id(),
            "facility_code": service.facility_code,
            "service_id": service.id,
            "name": "Lịch thử",
            "pattern": "weekly",
            "weekdays": EVERY_DAY,
            "starts": time(7),
            "ends": time(17),
            "slot_minutes": 15,
            "capacity": capacity,
            "valid_from": clock.today(),
            "due_at": clock.now() + timedelta(days=365),
            "created_at": clock.now(),
        }
        | columns
    )
    session.add(row)
    session.commit()
    return row


def make_exception(
    session: Session,
    schedule: Schedule,
    *,
    on: date | None = None,
    kind: str = "closed",
    **columns: object,
) -> ScheduleException:
    """Save a closed day of a schedule, by default in a week; further columns by name."""
    day = on or clock.today() + timedelta(days=7)
    row = ScheduleException(
        **{
            "id": new_row_id(),
            "facility_code": schedule.facility_code,
            "schedule_id": schedule.id,
            "kind": kind,
            "from_on": day,
            "until_on": day,
            "created_at": clock.now(),
        }
        | columns
    )
    session.add(row)
    session.commit()
    return row


def make_slot(
    session: Session,
    *,
    service: ClinicService | None = None,
    schedule: Schedule | None = None,
    starts_in: timedelta = timedelta(days=2),
    starts_at: datetime | None = None,
    minutes: int = 15,
    capacity: int = 1,
) -> Slot:
    """Save an open slot with its seats, of a schedule of its own unless one is given."""
    if schedule is None:
        schedule = make_schedule(session, service=service, capacity=capacity)
    service = session.get_one(ClinicService, schedule.service_id)
    at = clock.now()
    start = starts_at or at + starts_in
    slot = Slot(
        id=new_row_id(),
        schedule_id=schedule.id,
        facility_code=service.facility_code,
        province=province_key(PROVINCE),
        service_id=service.id,
        service_code=service.code,
        starts_at=start,
        ends_at=start + timedelta(minutes=minutes),
        opens_at=at - timedelta(days=1),
        closes_at=start - timedelta(minutes=service.lead_minutes),
        capacity=capacity,
        status="open",
        created_at=at,
    )
    session.add(slot)
    session.add_all(
        Seat(slot_id=slot.id, seat_no=number, facility_code=slot.facility_code)
        for number in range(1, capacity + 1)
    )
    session.commit()
    return slot


def make_booking(
    session: Session,
    *,
    citizen: Citizen | None = None,
    slot: Slot | None = None,
    state: State = "confirmed",
    **columns: object,
) -> Booking:
    """Save a citizen's booking of the slot, with a seat of it taken; further columns by name."""
    citizen = citizen or make_citizen(session)
    slot = slot or make_slot(session)
    profile, booking_id, at = citizen.profile, new_row_id(), clock.now()
    account_id = citizen.account.id
    seat = take_seat(session, slot.id, booking_id, profile_id=profile.id, account_id=account_id)
    assert seat is not None, "the slot is full"
    row = Booking(
        **{
            "id": booking_id,
            "facility_code": slot.facility_code,
            "service_id": slot.service_id,
            "profile_id": profile.id,
            "account_id": account_id,
            "person_name": profile.full_name,
            "person_birth": profile.birth,
            "person_sex": profile.sex,
            "slot_id": slot.id,
            "seat_no": seat,
            "starts_at": slot.starts_at,
            "ends_at": slot.ends_at,
            "state": state,
            "respond_by": at + timedelta(hours=4) if state == "requested" else None,
            "qr_secret": secrets.token_urlsafe(16),
            "created_at": at,
            "state_at": columns.get("created_at", at),
        }
        | columns
    )
    session.add(row)
    session.commit()
    return row


def seats_of(session: Session, slot_id: UUID) -> dict[int, UUID | None]:
    """Seat numbers of a slot, and the booking on each."""
    seats = select(Seat.seat_no, Seat.booking_id).where(Seat.slot_id == slot_id)
    return dict(session.execute(seats).all())
