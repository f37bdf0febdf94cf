"""Proving that a number is one's own, before anything else is sent to it: a code by SMS (R24).

The code is sent at once and stands nowhere: the row keeps its keyed hash. Nobody is told by SMS on
a number that was not proven.
"""

import hashlib
import hmac
import secrets
import threading
from datetime import datetime, timedelta

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from phr_api.identity import Principal, require_live
from phr_api.kit import clock, limits
from phr_api.kit.db import unit_of_work
from phr_api.kit.ids import new_row_id
from phr_api.kit.limits import Limit
from phr_api.notifications.models import NotificationSetting, SmsCode
from phr_api.notifications.problems import SmsUnavailable, WrongSmsCode
from phr_api.notifications.rules.words import SMS_CODE
from phr_api.notifications.service.sending import ConsoleSender, Message, Sender

CODE_LIFE = timedelta(minutes=10)
SENT_AGAIN_AFTER = timedelta(minutes=1)
MOST_TRIES = 5
DIGITS = 6
MOST_WAITING = 2  # threads of this process that wait for the gateway; the others serve

CODES = Limit(name="sms codes of account", count=5, per=timedelta(days=1))
CODES_TO = Limit(name="sms codes to number", count=5, per=timedelta(days=1))
TRIES = Limit(name="sms code tries of account", count=15, per=timedelta(days=1))
TRIES_OF = Limit(name="sms code tries of number", count=15, per=timedelta(days=1))


class _Process:
    sender: Sender = ConsoleSender()
    waiting = threading.BoundedSemaphore(MOST_WAITING)
    key: bytes = b""


def use(sender: Sender, secret: bytes) -> None:
    """Take the way out of this process, and its key, derived from the installation's secret."""
    _Process.sender = sender
    _Process.key = hmac.digest(secret, b"sms codes", hashlib.sha256)


def send_code(principal: Principal, phone: str, language: str) -> datetime:
    """Send a code to the number, and return when it ends; asked again within a minute, nothing.

    Only the newest code counts. No connection is held while the gateway is waited for, and few
    requests wait for it. Raises TooManyRequests, SmsUnavailable.
    """
    at = clock.now()
    with unit_of_work() as session:
        require_live(session, principal)
        held = session.get(SmsCode, principal.principal_id)
        is_open = held is not None and held.phone == phone and held.proven_at is None
        if held and is_open and at < held.sent_at + SENT_AGAIN_AFTER:
            return held.expires_at
    if not _Process.waiting.acquire(blocking=False):
        raise SmsUnavailable
    try:
        return _send_new(principal, phone, language, at)
    finally:
        _Process.waiting.release()


def _send_new(principal: Principal, phone: str, language: str, at: datetime) -> datetime:
    uses = (CODES, principal.principal_id), (CODES_TO, phone)
    limits.take(*uses)
    code = f"{secrets.randbelow(10**DIGITS):0{DIGITS}}"
    code_hash = _hash(principal, phone, code)
    expires_at = at + CODE_LIFE
    with unit_of_work() as session:
        require_live(session, principal)
        values = {
            "phone": phone,
            "code_hash": code_hash,
            "sent_at": at,
            "expires_at": expires_at,
            "attempts": 0,
            "proven_at": None,
        }
        row = insert(SmsCode).values(account_id=principal.principal_id, **values)
        session.execute(row.on_conflict_do_update(index_elements=["account_id"], set_=values))
    (sent,) = _Process.sender.send([_message(phone, code, language, expires_at)], at)
    if sent.reason is None:
        return expires_at
    if sent.reason != "transport":  # that may have been sent
        limits.give_back(*uses)
    with unit_of_work() as session:
        require_live(session, principal)
        _forget(session, principal, code_hash)
    raise SmsUnavailable


def prove(principal: Principal, code: str) -> None:
    """Let the number that this code was sent to count as the account's. Raises WrongSmsCode.

    Wrong, over, tried too often and never sent are one answer. Each try counts, whatever it ends.
    The right code again, after a lost answer, is right while it lives and changes nothing (R22).
    """
    with unit_of_work() as session:
        require_live(session, principal)
        held = session.get(SmsCode, principal.principal_id)
        phone = held.phone if held else None
    limits.take((TRIES, principal.principal_id), (TRIES_OF, phone))
    with unit_of_work() as session:
        require_live(session, principal)
        is_right = _try(session, principal, code)
    if not is_right:
        raise WrongSmsCode


def _try(session: Session, principal: Principal, code: str) -> bool:
    at = clock.now()
    query = select(SmsCode).where(
        SmsCode.account_id == principal.principal_id, SmsCode.expires_at > at
    )
    held = session.scalars(query.with_for_update()).first()
    if held is None or held.attempts >= MOST_TRIES:
        return False
    held.attempts += 1
    phone = held.phone
    if not hmac.compare_digest(held.code_hash, _hash(principal, phone, code)):
        return False
    if held.proven_at is not None:
        return True
    held.proven_at = at
    values = {"sms_phone": phone, "sms_proven_at": at, "updated_at": at}
    row = insert(NotificationSetting).values(account_id=principal.principal_id, version=1, **values)
    later = values | {"version": NotificationSetting.version + 1}
    session.execute(row.on_conflict_do_update(index_elements=["account_id"], set_=later))
    return True


def _forget(session: Session, principal: Principal, code_hash: bytes) -> None:
    """Delete this code; a newer one that took its place stays."""
    session.execute(
        delete(SmsCode).where(
            SmsCode.account_id == principal.principal_id, SmsCode.code_hash == code_hash
        )
    )


def _hash(principal: Principal, phone: str, code: str) -> bytes:
    whole = f"{principal.principal_id}\0{phone}\0{code}"
    return hmac.digest(_Process.key, whole.encode(), hashlib.sha256)


def _message(phone: str, code: str, language: str, expires_at: datetime) -> Message:
    message_id = new_row_id()
    return Message(
        delivery_id=message_id,
        notification_id=message_id,
        channel="sms",
        address=phone,
        platform=None,
        language=language,
        kind="account.sms-code",
        category="account",
        is_urgent=True,
        text=SMS_CODE["en" if language == "en" else "vi"].format(code=code),
        ref_kind=None,
        ref_id=None,
        profile_id=None,
        collapse_id=str(message_id),
        expires_at=expires_at,
    )
