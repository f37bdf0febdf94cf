"""Telling: one row, and words that fit its kind."""

import string
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from phr_api.kit import clock
from phr_api.kit.db import unit_of_work
from phr_api.kit.ids import new_row_id
from phr_api.notifications import KINDS, Tell, cancel_untold, tell
from phr_api.notifications.models import Notification
from tests.factories.people import make_citizen


def news(**more: object) -> Tell:
    values = {"category": "booking", "kind": "booking.confirmed"} | more
    return Tell(expires_at=clock.now() + timedelta(days=1), **values)  # type: ignore[arg-type]


def test_the_web_role_tells_and_reads_nothing_back(app: Flask, session: Session) -> None:
    citizen, ref = make_citizen(session), new_row_id()
    with unit_of_work() as web:
        tell(web, news(profile_id=citizen.profile.id, ref_id=ref, params={"when": "mai"}))
        assert web.scalar(select(Notification.id).where(Notification.ref_id == ref)) is None
    row = session.scalars(select(Notification).where(Notification.ref_id == ref)).one()
    assert (row.kind, row.params, row.classes) == ("booking.confirmed", {"when": "mai"}, [])
    assert row.due_at == row.created_at
    assert row.relayed_at is None


def test_what_nobody_was_told_can_be_taken_back(session: Session) -> None:
    ref, account = new_row_id(), make_citizen(session).account.id
    tell(session, news(account_id=account, ref_id=ref))
    tell(session, news(account_id=account, ref_id=ref, kind="reminder.day", category="reminder"))
    cancel_untold(session, ref, {"reminder.day"})
    left = session.scalars(select(Notification.kind).where(Notification.ref_id == ref)).all()
    assert left == ["booking.confirmed"]


@pytest.mark.parametrize("kind", KINDS)
def test_words_of_both_languages_need_the_same_and_a_push_needs_nothing(kind: str) -> None:
    words = KINDS[kind]
    vi, en = ({*_members(text.title), *_members(text.text)} for text in (words.vi, words.en))
    assert vi == en
    assert _members(words.vi.push) + _members(words.en.push) == []


def _members(text: str) -> list[str]:
    return [name for _, name, _, _ in string.Formatter().parse(text) if name]
