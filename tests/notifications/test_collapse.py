"""A thing has one place on the phone; FCM keeps pushes of four keys for a phone that is offline."""

import re
from uuid import uuid4

from phr_api.notifications import KINDS
from phr_api.notifications.rules.collapse import WAITING, collapse_id


def test_every_category_waits_under_one_of_four_keys() -> None:
    assert set(WAITING) == {kind.category for kind in KINDS.values()}
    assert len(set(WAITING.values())) == 4


def test_the_next_state_of_a_thing_takes_the_place_of_the_last() -> None:
    whose = {"profile_id": uuid4(), "ref_id": uuid4()}
    first = collapse_id(uuid4(), category="booking", **whose)
    assert collapse_id(uuid4(), category="booking", **whose) == first
    assert collapse_id(uuid4(), category="reminder", **whose) != first
    assert collapse_id(uuid4(), category="booking", **whose | {"ref_id": uuid4()}) != first
    assert collapse_id(uuid4(), category="booking", **whose | {"profile_id": uuid4()}) != first
    assert re.fullmatch(r"[0-9a-f-]{36}", first)


def test_what_happened_keeps_a_place_of_its_own() -> None:
    told, opener = uuid4(), uuid4()
    assert collapse_id(told, category="access", profile_id=uuid4(), ref_id=opener) == str(told)
    assert collapse_id(told, category="account", profile_id=uuid4(), ref_id=None) == str(told)
