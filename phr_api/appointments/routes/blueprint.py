"""The blueprints of appointments; each module of this package adds its views to one of them."""

from phr_api.kit.web import Blueprint

slots_blp = Blueprint(
    "slots", __name__, url_prefix="/v1", description="Schedules, and the times that can be booked"
)
bookings_blp = Blueprint(
    "bookings", __name__, url_prefix="/v1", description="Holds, bookings, the waitlist"
)
queue_blp = Blueprint(
    "queue", __name__, url_prefix="/v1", description="The line at the clinic, and the day's end"
)
