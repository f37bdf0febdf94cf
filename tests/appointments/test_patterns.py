"""On which days a schedule gives slots: short months, fifth Mondays, holidays, extra sittings."""

from datetime import date, datetime, time, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from phr_api.appointments.rules.patterns import (
    Dated,
    Plan,
    Sitting,
    days,
    faults,
    horizon,
    slots,
)
from phr_api.kit.clock import VIETNAM

SERVICE = UUID(int=1)
TET = {date(2027, 2, 5) + timedelta(days=n) for n in range(5)}


def a_plan(**members: Any) -> Plan:
    plain: dict[str, Any] = {
        "service_id": SERVICE,
        "name": "Khám thử",
        "pattern": "weekly",
        "weekdays": [1, 2, 3, 4, 5, 6, 7] if members.get("pattern", "weekly") == "weekly" else [],
        "starts": time(7),
        "ends": time(9),
        "slot_minutes": 30,
        "capacity": 2,
        "valid_from": date(2026, 1, 1),
    }
    return Plan(**plain | members)


def found(
    plan: Plan, since: str, until: str, *exceptions: Dated, holidays: set[date] = TET
) -> list[str]:
    since_on, until_on = date.fromisoformat(since), date.fromisoformat(until)
    return [str(each.on) for each in days(plan, exceptions, holidays, since_on, until_on)]


def closed(since: str, until: str) -> Dated:
    return Dated(
        kind="closed", from_on=date.fromisoformat(since), until_on=date.fromisoformat(until)
    )


def extra(on: str, *, capacity: int | None = None) -> Dated:
    day = date.fromisoformat(on)
    return Dated(
        kind="extra", from_on=day, until_on=day, starts=time(17), ends=time(18), capacity=capacity
    )


def test_weekly_days_are_those_of_the_week() -> None:
    plan = a_plan(weekdays=[1, 4])
    assert found(plan, "2026-11-23", "2026-11-30") == ["2026-11-23", "2026-11-26", "2026-11-30"]


def test_a_day_that_a_month_does_not_have_is_not_moved() -> None:
    plan = a_plan(pattern="month-day", month_days=[15, 31])
    assert found(plan, "2026-11-01", "2026-12-31") == ["2026-11-15", "2026-12-15", "2026-12-31"]


@pytest.mark.parametrize(
    ("nths", "expected"),
    [
        ([1], ["2026-11-02", "2026-12-07"]),
        ([5], ["2026-11-30"]),  # December has four Mondays
        ([-1], ["2026-11-30", "2026-12-28"]),
        ([4, -1], ["2026-11-23", "2026-11-30", "2026-12-28"]),
    ],
)
def test_the_nth_monday_is_counted_in_its_month(nths: list[int], expected: list[str]) -> None:
    plan = a_plan(pattern="nth-weekday", weekdays=[1], nths=nths)
    assert found(plan, "2026-11-01", "2026-12-31") == expected


def test_tet_is_closed_unless_the_schedule_works_on_holidays() -> None:
    assert found(a_plan(), "2027-02-04", "2027-02-10") == ["2027-02-04", "2027-02-10"]
    assert len(found(a_plan(works_on_holidays=True), "2027-02-04", "2027-02-10")) == 7


def test_an_extra_sitting_stands_on_a_holiday_too() -> None:
    assert found(a_plan(), "2027-02-05", "2027-02-06", extra("2027-02-06")) == ["2027-02-06"]


def test_a_schedule_of_dates_has_its_extra_sittings_alone() -> None:
    plan = a_plan(pattern="dates")
    assert found(plan, "2026-11-01", "2026-11-30") == []
    sittings = list(
        days(plan, [extra("2026-11-08", capacity=9)], (), date(2026, 11, 1), date(2026, 11, 30))
    )
    assert sittings == [Sitting(on=date(2026, 11, 8), starts=time(17), ends=time(18), capacity=9)]


def test_leave_closes_the_days_from_its_first_to_its_last() -> None:
    leave = closed("2026-11-24", "2026-11-25")
    assert found(a_plan(), "2026-11-23", "2026-11-26", leave) == ["2026-11-23", "2026-11-26"]
    assert found(a_plan(), "2026-11-24", "2026-11-24", leave, extra("2026-11-24")) == []


def test_a_schedule_holds_between_its_first_and_last_day() -> None:
    plan = a_plan(valid_from=date(2026, 11, 24), valid_until=date(2026, 11, 25))
    assert found(plan, "2026-11-20", "2026-11-30") == ["2026-11-24", "2026-11-25"]


def test_a_sitting_is_cut_into_whole_slots_that_open_and_close_in_time() -> None:
    plan = a_plan(ends=time(8, 40), release_days=7, release_time=time(6, 30))
    on = date(2026, 11, 24)
    made = slots(plan, days(plan, (), (), on, on), lead_minutes=60)
    assert [start.time() for start in made] == [time(7), time(7, 30), time(8)]
    first = made[datetime(2026, 11, 24, 7, tzinfo=VIETNAM)]
    assert first.opens_at == datetime(2026, 11, 17, 6, 30, tzinfo=VIETNAM)
    assert first.closes_at == datetime(2026, 11, 24, 6, tzinfo=VIETNAM)
    assert (first.capacity, first.ends_at - first.starts_at) == (2, timedelta(minutes=30))


def test_slots_are_made_past_the_day_that_can_be_booked() -> None:
    today = date(2026, 11, 24)
    assert horizon(a_plan(release_days=30), today) == date(2027, 1, 7)
    assert horizon(a_plan(release_days=0), today) == date(2026, 12, 22)


@pytest.mark.parametrize(
    ("members", "wrong"),
    [
        ({}, set()),
        ({"weekdays": []}, {"weekdays"}),
        ({"month_days": [1]}, {"monthDays"}),
        ({"pattern": "month-day"}, {"monthDays"}),
        ({"pattern": "nth-weekday", "weekdays": [1]}, {"nths"}),
        ({"pattern": "dates"}, set()),
        ({"ends": time(7)}, {"ends"}),
        ({"slot_minutes": 240}, {"slotMinutes"}),
        ({"valid_until": date(2025, 12, 31)}, {"validUntil"}),
    ],
)
def test_a_plan_that_says_nothing_is_told_where(members: dict[str, Any], wrong: set[str]) -> None:
    assert set(faults(a_plan(**members))) == wrong


@given(
    st.lists(st.integers(1, 7), min_size=1, unique=True),
    st.lists(st.sampled_from([1, 2, 3, 4, 5, -1]), min_size=1, unique=True),
    st.dates(date(2026, 1, 1), date(2030, 12, 31)),
)
def test_nth_weekdays_are_a_part_of_weekly_days(
    weekdays: list[int], nths: list[int], since: date
) -> None:
    until = since + timedelta(days=70)
    weekly = {each.on for each in days(a_plan(weekdays=weekdays), (), (), since, until)}
    plan = a_plan(pattern="nth-weekday", weekdays=weekdays, nths=nths)
    some = [each.on for each in days(plan, (), (), since, until)]
    assert set(some) <= weekly
    assert some == sorted(set(some))
    every = a_plan(pattern="nth-weekday", weekdays=weekdays, nths=[1, 2, 3, 4, 5])
    assert {each.on for each in days(every, (), (), since, until)} == weekly
