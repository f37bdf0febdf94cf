"""Quiet hours: what is not urgent waits for the morning."""

from datetime import datetime, time, timedelta

from phr_api.kit.clock import VIETNAM


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
