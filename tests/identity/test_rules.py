"""The arithmetic of sign-in: pure, so a table each."""

from datetime import UTC, datetime, timedelta

import pytest

from phr_api.identity.rules import (
    Verdict,
    is_locked,
    is_redirect_allowed,
    is_second_factor,
    judge_refresh,
    number_sex,
    page_session_end,
    session_end,
)

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.mark.parametrize(
    ("generation", "newest", "spent_ago", "used_ago", "verdict"),
    [
        (1, 1, None, None, Verdict.ROTATE),
        (5, 5, None, HOUR, Verdict.ROTATE),
        (4, 5, HOUR, None, Verdict.REPEAT),
        (4, 5, 24 * HOUR, None, Verdict.REPEAT),
        (4, 5, 25 * HOUR, None, Verdict.REUSE),
        (4, 5, HOUR, timedelta(0), Verdict.REUSE),
        (3, 5, HOUR, None, Verdict.REUSE),
        (4, 5, None, None, Verdict.REUSE),
    ],
)
def test_a_refresh_token_rotates_repeats_or_is_reuse(
    generation: int,
    newest: int,
    spent_ago: timedelta | None,
    used_ago: timedelta | None,
    verdict: Verdict,
) -> None:
    judged = judge_refresh(
        generation=generation,
        newest=newest,
        spent_at=None if spent_ago is None else NOW - spent_ago,
        newest_used_at=None if used_ago is None else NOW - used_ago,
        at=NOW,
    )
    assert judged is verdict


@pytest.mark.parametrize(
    ("uri", "in_development", "in_production"),
    [
        ("https://app.example.vn/back", True, True),
        ("https://app.example.vn/back/", False, False),
        ("https://app.example.vn/back?x=1", False, False),
        ("HTTPS://app.example.vn/back", False, False),
        ("https://evil.example/cb", False, False),
        ("vn.example.phr.app:/back", True, True),
        ("vn.example.phr.app:/other", False, False),
        ("vn.example.phr:/back", True, False),
        ("javascript.x:alert(1)", False, False),
        ("javascript:alert(1)", False, False),
        ("http://127.0.0.1:5000/back", True, False),
        ("http://[::1]:5000/back", True, False),
        ("http://user@127.0.0.1:5000/back", False, False),
        ("http://localhost:5000/back", False, False),
        ("http://127.0.0.1.evil.example/back", False, False),
        ("http://127.0.0.1:5000/back#fragment", False, False),
        ("https://[::1/back", False, False),
        ("", False, False),
    ],
)
def test_a_sign_in_comes_back_to_exactly_what_is_registered(
    uri: str, *, in_development: bool, in_production: bool
) -> None:
    registered = frozenset({"https://app.example.vn/back", "vn.example.phr.app:/back"})
    assert is_redirect_allowed(uri, registered, is_development=True) is in_development
    assert is_redirect_allowed(uri, registered, is_development=False) is in_production


def test_a_page_ends_ten_minutes_after_the_last_touch_or_when_the_day_is_full() -> None:
    late = NOW + 11 * HOUR + timedelta(minutes=55)
    assert page_session_end(signed_in_at=NOW, touched_at=NOW) == NOW + timedelta(minutes=10)
    assert page_session_end(signed_in_at=NOW, touched_at=late) == NOW + 12 * HOUR


def test_only_a_page_that_lay_idle_was_locked() -> None:
    soon, full = NOW + timedelta(minutes=10), NOW + 12 * HOUR
    assert is_locked(is_page=True, signed_in_at=NOW, expires_at=soon)
    assert not is_locked(is_page=True, signed_in_at=NOW, expires_at=full)
    assert not is_locked(is_page=False, signed_in_at=NOW, expires_at=soon)


def test_a_session_ends_when_idle_or_old() -> None:
    assert session_end("citizen", signed_in_at=NOW, at=NOW) == NOW + timedelta(days=90)
    late = NOW + timedelta(days=360)
    assert session_end("citizen", signed_in_at=NOW, at=late) == NOW + timedelta(days=365)
    assert session_end("staff", signed_in_at=NOW, at=NOW) == NOW + timedelta(hours=2)
    assert session_end("staff", signed_in_at=NOW, at=NOW + 11 * HOUR) == NOW + 12 * HOUR


@pytest.mark.parametrize(
    ("methods", "holds"),
    [
        (["mfa"], True),
        (["pwd", "otp"], True),
        (["otp"], True),
        (["hwk"], True),
        (["pwd", "sms"], True),
        (["face", "pin"], True),
        (["sms"], False),
        (["fpt"], False),
        (["face"], False),
        (["swk"], False),
        (["pwd"], False),
        (["pwd", "pin"], False),
        (["fpt", "face"], False),
        (["pwd", "user", "geo", "something"], False),
        ([], False),
    ],
)
def test_a_lone_way_of_proving_oneself_is_no_second_factor(
    methods: list[str], *, holds: bool
) -> None:
    assert is_second_factor(methods) is holds


def test_a_number_says_the_sex() -> None:
    assert number_sex("001190000000") == "female"
    assert number_sex("001088000000") == "male"
    assert number_sex("001320000000") == "female"
    assert number_sex("001220000000") == "male"
