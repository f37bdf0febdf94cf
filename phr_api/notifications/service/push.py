"""Handing pushes to Firebase Cloud Messaging. The only module that knows firebase_admin.

Neutral words and ids only (R26). What the library would do by itself is taken from it: it sleeps on
Retry-After and on 500 and 503 in our thread (urllib3's Retry, even for 429), renews one expired
credential in a hundred threads at once, buries Google's refusal of it in an UnknownError of the
whole batch, and reads proxies and netrc from the environment anew for each message.
"""

import functools
import json
import logging
import re
import threading
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any
from uuid import uuid4

import firebase_admin
from firebase_admin import credentials, exceptions, messaging
from google.auth.exceptions import GoogleAuthError, RefreshError
from google.auth.transport.requests import Request
from requests.adapters import HTTPAdapter
from urllib3.util.retry import Retry

from phr_api.kit import clock
from phr_api.notifications.rules.collapse import WAITING
from phr_api.notifications.rules.policy import Sent
from phr_api.notifications.service.sending import Message

log = logging.getLogger(__name__)

BATCH = 100
LANES = 2
# Of a connection, and of an answer. The longest batch is credential and messages, both twice: 80 s.
TIMEOUT_SECONDS = 10
LONGEST_TTL = timedelta(days=28)  # FCM's own limit
# a person waits for these; the others may wait until the phone wakes by itself
PROMPT = frozenset({"booking", "offer", "queue"})

REASONS: dict[type[Exception], str] = {
    messaging.UnregisteredError: "unregistered",
    messaging.SenderIdMismatchError: "sender-id-mismatch",
    messaging.ThirdPartyAuthError: "third-party-auth",
    messaging.QuotaExceededError: "quota-exceeded",
    exceptions.ResourceExhaustedError: "resource-exhausted",
    exceptions.UnavailableError: "unavailable",
    exceptions.InternalError: "internal",
    exceptions.DeadlineExceededError: "deadline-exceeded",
    exceptions.InvalidArgumentError: "invalid-argument",
    exceptions.OutOfRangeError: "out-of-range",
    exceptions.UnauthenticatedError: "unauthenticated",
    exceptions.PermissionDeniedError: "permission-denied",
    exceptions.NotFoundError: "not-found",
}


class FcmSender:
    """One Firebase project. `send` blocks; the lanes of a process may send a batch each."""

    def __init__(self, key: str, *, url: str | None = None) -> None:
        """`key` is a service account's JSON; ValueError when it is none.

        `url` stands for Google's address of messages, and for that of tokens, in development.
        """
        account = json.loads(key)
        if url is not None:
            account |= {"token_uri": f"{url}/token"}
        self._credential = credentials.Certificate(account)
        self._app = firebase_admin.initialize_app(
            self._credential, {"httpTimeout": TIMEOUT_SECONDS}, name=uuid4().hex
        )
        self._lock = threading.Lock()
        self._service = messaging._get_messaging_service(self._app)  # noqa: SLF001 - has no face
        if url is not None:
            self._service._fcm_url = f"{url}/v1/projects/{account['project_id']}/messages:send"  # noqa: SLF001
        _take_over(self._service._client.session, self._service._fcm_url)  # noqa: SLF001

    def close(self) -> None:
        """Forget the project and close its connections."""
        firebase_admin.delete_app(self._app)

    def send(self, messages: Sequence[Message], at: datetime) -> list[Sent]:
        """Hand the messages over, at most BATCH at once; one outcome each, in their order."""
        outcomes: list[Sent] = []
        for start in range(0, len(messages), BATCH):
            outcomes.extend(self._send(messages[start : start + BATCH], at))
        return outcomes

    def _send(self, messages: Sequence[Message], at: datetime) -> list[Sent]:
        with suppress(ValueError):
            return self._hand_over([compose(one, at) for one in messages])
        # firebase_admin refused them all, before it sent any, for one that it cannot encode
        batch = [self._composed(one, at) for one in messages]
        good = [one for one in batch if one is not None]
        sent = iter(self._hand_over(good) if good else [])
        return [Sent(reason="invalid-argument") if one is None else next(sent) for one in batch]

    def _composed(self, message: Message, at: datetime) -> messaging.Message | None:
        """The message as FCM takes it, or None if there is no such."""
        try:
            composed = compose(message, at)
            self._service.encode_message(composed)
        except ValueError as error:
            log.warning("message not composed", exc_info=error)
            return None
        return composed

    def _hand_over(self, batch: list[messaging.Message], *, is_again: bool = False) -> list[Sent]:
        """Send them at once. What a credential that ended early was refused for is sent again."""
        try:
            self._refresh(is_refused=is_again)
            answer = messaging.send_each(batch, dry_run=False, app=self._app)
        except RefreshError as error:
            return [Sent(reason=_refusal(error))] * len(batch)
        except (GoogleAuthError, exceptions.FirebaseError) as error:
            log.warning("batch not handed over", exc_info=error)
            return [Sent(reason="transport")] * len(batch)
        outcomes = [_outcome(response.exception) for response in answer.responses]
        refused = [n for n, sent in enumerate(outcomes) if sent.reason == "unauthenticated"]
        if refused and not is_again:
            again = self._hand_over([batch[n] for n in refused], is_again=True)
            for n, sent in zip(refused, again, strict=True):
                outcomes[n] = sent
        return outcomes

    def _refresh(self, *, is_refused: bool) -> None:
        """Renew the credential here and once, rather than in each of the batch's threads."""
        held = self._credential.get_credential()
        with self._lock:
            if is_refused or not held.valid:
                held.refresh(functools.partial(Request(), timeout=TIMEOUT_SECONDS))


def _take_over(session: Any, url: str) -> None:
    """Take from the library's session what it would do by itself for each message to `url`."""
    adapter = HTTPAdapter(pool_connections=1, pool_maxsize=LANES * BATCH, max_retries=Retry(0))
    for prefix in ("https://fcm.googleapis.com", "https://", "http://"):
        session.mount(prefix, adapter)
    session._max_refresh_attempts = 0  # noqa: SLF001 - 401 is also what one message can get
    # proxies and CA bundle of the environment, read once: a fifth of a message's work
    found = session.merge_environment_settings(url, {}, None, None, None)
    session.proxies, session.verify = found["proxies"], found["verify"]
    session.trust_env = False


def compose(message: Message, at: datetime) -> messaging.Message:
    """Return the message as FCM takes it: never after its expiry, in its place on the phone."""
    left = min(message.expires_at - at, LONGEST_TTL)
    is_prompt = message.is_urgent or message.category in PROMPT
    place = message.collapse_id
    data = {
        "id": str(message.notification_id),
        "category": message.category,
        "kind": message.kind,
    }
    if message.ref_id is not None and message.ref_kind is not None:
        data |= {"refKind": message.ref_kind, "refId": str(message.ref_id)}
    if message.profile_id is not None:
        data["profileId"] = str(message.profile_id)
    composed = messaging.Message(
        notification=messaging.Notification(body=message.text),
        data=data,
        android=messaging.AndroidConfig(
            collapse_key=WAITING[message.category],
            priority="high" if is_prompt else "normal",
            ttl=left,
            notification=messaging.AndroidNotification(channel_id=message.category, tag=place),
        ),
        apns=messaging.APNSConfig(
            headers={
                "apns-priority": "10" if is_prompt else "5",
                "apns-expiration": str(int((at + left).timestamp())),
                "apns-collapse-id": place,
            },
            payload=messaging.APNSPayload(aps=messaging.Aps(thread_id=message.category)),
        ),
        webpush=messaging.WebpushConfig(
            headers={
                "TTL": str(int(left.total_seconds())),
                "Topic": place.replace("-", ""),  # RFC 8030 §5.4: at most 32 characters
                "Urgency": "high" if is_prompt else "normal",
            }
        ),
    )
    # registration tokens are what today's apps have; the constructor warns of them since 7.7
    composed.token = message.address
    return composed


def _outcome(error: Exception | None) -> Sent:
    if error is None:
        return Sent()
    reason = next((REASONS[kind] for kind in type(error).__mro__ if kind in REASONS), "unknown")
    response: Any = getattr(error, "http_response", None)
    if response is None and reason == "unknown":
        reason = "transport"
    return Sent(reason=reason, retry_after=_retry_after(response))


def _retry_after(response: Any) -> timedelta | None:
    """RFC 9110 §10.2.3: seconds, or a date; nothing of what is neither."""
    value = "" if response is None else str(response.headers.get("Retry-After", "")).strip()
    if re.fullmatch(r"\d{1,6}", value):
        return timedelta(seconds=int(value))
    try:
        return max(parsedate_to_datetime(value) - clock.now(), timedelta())
    except (ValueError, TypeError):
        return None


def _refusal(error: RefreshError) -> str:
    """Whether Google refused the credential, which somebody repairs, or was busy."""
    log.error("credential of pushes not renewed", exc_info=error)
    return "transport" if getattr(error, "retryable", False) else "refresh-failed"
