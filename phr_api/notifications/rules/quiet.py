"""Quiet hours: what is not urgent waits for the morning, as long as that is early enough."""

from collections.abc import Mapping
from datetime import datetime, time, timedelta

from phr_api.kit.clock import VIETNAM

# what somebody waits for, or has to answer in time
URGENT = frozenset({"offer", "queue"})
SETTING_OUT = timedelta(hours=3)  # from far away, or to answer
# How long before its time (its expiry) news of a booking has to be known: that a time falls away,
# before anybody sets out for it; that it stands, when it comes. What has no row here has no time.
NEEDED_BEFORE: Mapping[str, timedelta] = {
    "booking.requested": timedelta(),
    "booking.confirmed": timedelta(),
    "booking.declined": SETTING_OUT,
    "booking.proposed": SETTING_OUT,
    "booking.moved": SETTING_OUT,
    "booking.cancelled": SETTING_OUT,
}


def may_wait(kind: str, *, until: datetime, expires_at: datetime) -> bool:
    """Whether news of this kind is early enough at `until`; what has no time always is."""
    needed = NEEDED_BEFORE.get(kind)
    return needed is None or until < expires_at - needed


def after_quiet(at: datetime, quiet_from: time, quiet_until: time) -> datetime:
    """Return `at`, or the end of the quiet hours it falls into; equal times mean no quiet hours.

    The hours are those of Viet Nam, which has no daylight saving, and may pass midnight.
    """
    local = at.astimezone(VIETNAM)
    clock_time = local.time()
    if quiet_from <= quiet_until:
        is_quiet = quiet_from <= clock_time < quiet_until
    else:
        is_quiet = clock_time >= quiet_from or clock_time < quiet_until
    if not is_quiet:
        return at
    end = datetime.combine(local.date(), quiet_until, VIETNAM)
    return end if end > local else end + timedelta(days=1)
