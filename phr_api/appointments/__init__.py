"""Slots and seats, bookings and the waitlist, the line at the clinic."""

from datetime import timedelta

from phr_api.appointments.queries.positions import find_positions
from phr_api.appointments.queries.slots import SlotRow, find_next_free, get_slot
from phr_api.appointments.rules.states import By, State
from phr_api.appointments.service.bookings import booking_view
from phr_api.appointments.service.changing import transition
from phr_api.appointments.service.checking import check_seats
from phr_api.appointments.service.moving import offer_alternatives
from phr_api.appointments.service.seats import free_seat, take_seat
from phr_api.appointments.service.slots import trim as trim_slots
from phr_api.appointments.service.upkeep import trim_line
from phr_api.appointments.service.waiting import end_entries
from phr_api.appointments.service.work import work_once
from phr_api.kit.jobs import Task

__all__ = [
    "By",
    "SlotRow",
    "State",
    "booking_view",
    "find_next_free",
    "find_positions",
    "free_seat",
    "get_slot",
    "offer_alternatives",
    "take_seat",
    "tasks",
    "transition",
    "work_once",
]


def tasks() -> tuple[Task, ...]:
    """Return what the worker does for this room on its own, beside `work_once`."""
    return (
        Task(name="trim slots", every=timedelta(hours=1), work=trim_slots),
        Task(name="check seats", every=timedelta(days=1), work=check_seats),
        Task(name="end waiting", every=timedelta(hours=1), work=end_entries),
        Task(name="trim the line", every=timedelta(days=1), work=trim_line),
    )
