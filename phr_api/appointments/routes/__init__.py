"""URLs of appointments, by resource."""

from phr_api.appointments.routes import (
    bookings,
    calendar,
    checkin,
    closing,
    desk,
    holds,
    phones,
    queue,
    schedules,
    slots,
    suggestions,
    waiting,
)
from phr_api.appointments.routes.blueprint import bookings_blp, queue_blp, slots_blp

blueprints = (slots_blp, bookings_blp, queue_blp)

__all__ = [
    "blueprints",
    "bookings",
    "calendar",
    "checkin",
    "closing",
    "desk",
    "holds",
    "phones",
    "queue",
    "schedules",
    "slots",
    "suggestions",
    "waiting",
]
