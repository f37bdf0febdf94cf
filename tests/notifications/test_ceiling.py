"""How many SMS a day: counted in sets, by several workers at once."""

import itertools
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from uuid import UUID, uuid4

import pytest

from phr_api.kit import clock
from phr_api.kit.db import unit_of_work
from phr_api.notifications.service import ceiling
from phr_api.notifications.service.ceiling import take_sms

pytestmark = pytest.mark.usefixtures("app")

AsWorker = Callable[[], AbstractContextManager[None]]
Wanted = tuple[UUID, str]
_numbers = itertools.count(uuid4().int % 10**6)


def new_phone() -> str:
    return f"+84922{next(_numbers) % 10**6:06}"


def take(*wanted: Wanted) -> list[bool]:
    with unit_of_work() as worker:
        return take_sms(worker, wanted, clock.today())


def test_what_one_of_them_has_no_room_for_is_counted_for_neither(
    as_worker: AsWorker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ceiling, "SMS_A_DAY", 2)
    first, second, full, other = uuid4(), uuid4(), new_phone(), new_phone()
    with as_worker():
        assert take((first, full), (first, full), (first, other)) == [True, True, False]
        assert take((second, full), (second, full), (second, other)) == [False, False, True]
        assert take((second, other)) == [True]
        assert take((second, other), (uuid4(), other)) == [False, False]


def test_workers_that_count_the_same_wait_for_each_other_in_one_order(
    as_worker: AsWorker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ceiling, "SMS_A_DAY", 15)
    wanted = [(uuid4(), new_phone()) for _ in range(8)]
    began = threading.Barrier(2, timeout=10)

    def count(mine: list[Wanted]) -> int:
        taken = 0
        for _ in range(10):
            began.wait()
            taken += sum(take(*mine))
        return taken

    with as_worker(), ThreadPoolExecutor(2) as pool:
        both = [pool.submit(count, mine) for mine in (wanted, wanted[::-1])]
        assert sum(one.result() for one in both) == len(wanted) * 15
