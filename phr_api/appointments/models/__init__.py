"""Tables of appointments."""

from phr_api.appointments.models.bookings import (
    Booking,
    BookingDue,
    BookingEvent,
    Guest,
    Hold,
    WaitlistEntry,
)
from phr_api.appointments.models.queue import (
    DayClosing,
    NumberBlock,
    PriorityClass,
    QueueDay,
    Ticket,
)
from phr_api.appointments.models.slots import Schedule, ScheduleException, Seat, Slot

__all__ = [
    "Booking",
    "BookingDue",
    "BookingEvent",
    "DayClosing",
    "Guest",
    "Hold",
    "NumberBlock",
    "PriorityClass",
    "QueueDay",
    "Schedule",
    "ScheduleException",
    "Seat",
    "Slot",
    "Ticket",
    "WaitlistEntry",
]
