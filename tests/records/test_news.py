"""What a hospital sends of somebody known is told to who reads that book."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from phr_api.kit import clock
from phr_api.notifications.models import Notification
from tests.factories.people import new_number
from tests.records.conftest import Send
from tests.records.files import a_file, a_visit, key_of
from tests.records.looking import holder


def on(days_ago: int) -> dict[str, Any]:
    day = (clock.now() - timedelta(days=days_ago)).astimezone(clock.VIETNAM).strftime("%Y%m%d")
    return {"NGAY_VAO": f"{day}0000", "NGAY_RA": f"{day}0001"}


@pytest.mark.parametrize(("days_ago", "kinds"), [(2, ["record.visit"]), (20, [])])
def test_a_recent_visit_of_somebody_known_is_news(
    send: Send, session: Session, days_ago: int, kinds: list[str]
) -> None:
    number = new_number()
    first, second = a_visit(number=number, **on(3)), a_visit(number=number, **on(days_ago))
    send(a_file(first))
    send(a_file(second))
    send(a_file(second | {"XML1": [second["XML1"][0] | {"LY_DO_VV": "Khác"}]}))

    told = session.scalars(
        select(Notification).where(Notification.profile_id == holder(session, key_of(first)))
    ).all()
    assert [one.kind for one in told] == kinds
    assert all(set(one.params) == {"facility"} for one in told)
