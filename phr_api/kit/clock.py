"""The only place that reads the time; everything that decides takes it from here."""

from collections.abc import Generator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

VIETNAM = ZoneInfo("Asia/Ho_Chi_Minh")

_shift: ContextVar[timedelta] = ContextVar("clock_shift", default=timedelta())


def now() -> datetime:
    """Return the present instant, aware, in UTC."""
    return datetime.now(UTC) + _shift.get()


def today() -> date:
    """Return the calendar day that people in Viet Nam have now."""
    return now().astimezone(VIETNAM).date()


@contextmanager
def moved(by: timedelta) -> Generator[None]:
    """Let this thread (and what it calls) live `by` later; for tests of expiry and ageing."""
    token = _shift.set(_shift.get() + by)
    try:
        yield
    finally:
        _shift.reset(token)
