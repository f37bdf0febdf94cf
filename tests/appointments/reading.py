"""The database as a world of the model, and what must never be in it."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from phr_api.appointments.models import Booking as BookingRow
from phr_api.appointments.models import Hold as HoldRow
from phr_api.appointments.models import Seat as SeatRow
from phr_api.appointments.models import WaitlistEntry as EntryRow
from tests.appointments.driving import CARED_FOR, MINUTE, SERVICES, SLOTS, Clinic
from tests.appointments.model import SEATED, Booking, Entry, Hold, World

_OVERLAPS = text(
    "SELECT count(*) FROM seat a JOIN seat b ON a.profile_id = b.profile_id"
    " AND a.booking_id <> b.booking_id AND a.during && b.during WHERE a.slot_id = ANY (:slots)"
)


def read_world(clinic: Clinic) -> World:
    """Return the world as the database has it, under the names of the model."""
    world = World(services=SERVICES, slots=SLOTS, now=clinic.now)
    with Session(clinic.engines["phr_test"]) as session:
        services = [clinic.ids[name] for name in SERVICES]
        line = select(EntryRow).where(EntryRow.service_id.in_(services)).order_by(EntryRow.place)
        entries = session.scalars(line).all()
        offers = select(HoldRow).where(HoldRow.service_id.in_(services), HoldRow.kind == "offer")
        for offer in session.scalars(offers.order_by(HoldRow.created_at)):
            _know_offer(session, clinic, offer)
        for place, entry in enumerate(entries):
            world.entries[_name(clinic, entry.id)] = _entry(clinic, entry, place)
        for row in _bookings(session, clinic):
            world.bookings[_name(clinic, row.id)] = _booking(clinic, row)
        for hold in session.scalars(select(HoldRow).where(HoldRow.service_id.in_(services))):
            world.holds[_name(clinic, hold.id)] = _hold(clinic, hold)
        for seat in _seats(session, clinic):
            slot = clinic.names[seat.slot_id]
            world.kept[slot] = world.kept.get(slot, 0) + seat.for_waitlist
    return world


def find_complaints(clinic: Clinic) -> list[str]:
    """Return what must never be, a line each."""
    with Session(clinic.engines["phr_test"]) as session:
        bookings = {row.id: row for row in _bookings(session, clinic)}
        is_open = HoldRow.booked_at.is_(None) & HoldRow.released_at.is_(None)
        holds = set(session.scalars(select(HoldRow.id).where(is_open)))
        seats = _seats(session, clinic)
        slots = [clinic.ids[name] for name in SLOTS]
        overlaps = session.scalar(_OVERLAPS, {"slots": slots})
    claimed = {claim for row in bookings.values() for claim in _claims(row)}
    taken = {(s.slot_id, s.seat_no, s.booking_id, s.profile_id) for s in seats if s.booking_id}
    orphans = [b for b in bookings.values() if b.state == "held" and b.hold_id not in holds]
    found = {
        "a seat whose booking does not sit in it": taken - claimed,
        "a booking without its seat": claimed - taken,
        "one seat for two bookings": len(claimed) != len({claim[:2] for claim in claimed}),
        "seats made or lost": len(seats) != sum(slot.capacity for slot in SLOTS.values()),
        "what is held by no open hold": orphans,
        "a person in two places at one time": overlaps,
    }
    return [complaint for complaint, is_so in found.items() if is_so]


def _claims(row: BookingRow) -> list[tuple[UUID | None, int | None, UUID, UUID | None]]:
    """The seats that are this booking's."""
    places = [(row.slot_id, row.seat_no)] if row.state in SEATED else []
    if row.proposed_slot_id is not None:
        places.append((row.proposed_slot_id, row.proposed_seat_no))
    return [(*place, row.id, row.profile_id) for place in places]


def _bookings(session: Session, clinic: Clinic) -> Sequence[BookingRow]:
    services = [clinic.ids[name] for name in SERVICES]
    rows = select(BookingRow).where(BookingRow.service_id.in_(services))
    return session.scalars(rows).all()


def _seats(session: Session, clinic: Clinic) -> Sequence[SeatRow]:
    slots = [clinic.ids[name] for name in SLOTS]
    return session.scalars(select(SeatRow).where(SeatRow.slot_id.in_(slots))).all()


def _booking(clinic: Clinic, row: BookingRow) -> Booking:
    return Booking(
        person=clinic.names[row.profile_id] if row.profile_id else None,
        hold=_name_of(clinic, row.hold_id),
        service=clinic.names[row.service_id],
        slot=_name_of(clinic, row.slot_id) or "",
        state=row.state,
        version=row.version,
        proposed=_name_of(clinic, row.proposed_slot_id),
        proposal_until=_minute(clinic, row.proposal_until) if row.proposal_until else None,
        respond_by=_minute(clinic, row.respond_by) if row.respond_by else None,
        is_offer=row.source == "waitlist",
    )


def _hold(clinic: Clinic, row: HoldRow) -> Hold:
    ended = "booked" if row.booked_at else "released" if row.released_at else "open"
    return Hold(
        account=clinic.accounts[row.account_id] if row.account_id else "",
        people=tuple(clinic.names[person] for person in row.people),
        expires=_minute(clinic, row.expires_at),
        state=ended,
        entry=_name_of(clinic, row.waitlist_entry_id),
    )


def _know_offer(session: Session, clinic: Clinic, row: HoldRow) -> None:
    """An offer is called by its entry and its number, as the worker tells nobody its id."""
    if row.id in clinic.names:
        return
    entry = _name_of(clinic, row.waitlist_entry_id) or ""
    name = f"{entry}.{sum(each.startswith(f'{entry}.') for each in clinic.holders) + 1}"
    clinic.know(name, row.id)
    person = clinic.names[row.people[0]]
    # whoever may book for the person answers, whether or not they joined the line
    able = [account for account, whose in CARED_FOR.items() if person in whose]
    clinic.holders[name] = able[len(clinic.holders) % len(able)]
    for booking_id in session.scalars(select(BookingRow.id).where(BookingRow.hold_id == row.id)):
        clinic.know(f"{name}/{person}", booking_id)


def _entry(clinic: Clinic, row: EntryRow, place: int) -> Entry:
    return Entry(
        person=clinic.names[row.profile_id],
        account=clinic.accounts[row.account_id],
        service=clinic.names[row.service_id],
        place=place,
        state=row.state,
        offers=row.offers,
        hold=_name_of(clinic, row.hold_id),
    )


def _name(clinic: Clinic, row_id: UUID) -> str:
    return clinic.names.get(row_id, f"unknown {row_id}")


def _name_of(clinic: Clinic, row_id: UUID | None) -> str | None:
    return None if row_id is None else _name(clinic, row_id)


def _minute(clinic: Clinic, at: datetime) -> int:
    return (at - clinic.began) // MINUTE
