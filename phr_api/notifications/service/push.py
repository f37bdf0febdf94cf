"""Handing pushes to Firebase Cloud Messaging. The only module that knows firebase_admin.

Neutral words and ids only (R26). What the library would do by itself is taken from it: it sleeps on
Retry-After and on 500 and 503 in our thread (urllib3's Retry, even for 429), refreshes one expired
credential in a hundred threads at once, and buries Google's refusal of it in an UnknownError.
"""

import json
import logging
import re
import threading
from collections.abc import Sequence
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

import firebase_admin
from firebase_admin import credentials, exceptions, messaging
from google.auth.exceptions import GoogleAuthError, RefreshError
from google.auth.transport.requests import Request
from requests.adapters import HTTPAdapter
from urllib3.util.retry import Retry

from phr_api.kit import clock
from phr_api.notifications.rules.policy import Sent
from phr_api.notifications.service.sending import Message

log = logging.getLogger(__name__)

BATCH = 100
TIMEOUT_SECONDS = 20
LONGEST_TTL = timedelta(days=28)  # FCM's own limit
# a person waits for these; the others may wait until the phone wakes by itself
PROMPT = frozenset({"booking", "offer", "queue"})

REASONS: dict[type[Exception], str] = {
    messaging.UnregisteredError: "unregistered",
    messaging.SenderIdMismatchError: "sender-id-mismatch",
    messaging.ThirdPartyAuthError: "third-party-auth",
    messaging.QuotaExceededError: "quota-exceeded",
    exceptions.ResourceExhaustedError: "quota-exceeded",
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
    """One Firebase project. `send` blocks; its lane sends one batch at a time."""

    def __init__(self, key: str, *, url: str | None = None) -> None:
        """`key` is a service account's JSON; ValueError when it is none.

        `url` stands for Google's address of messages, and for that of tokens, in development.
        """
        account = json.loads(key)
        if url is not None:
            account |= {"token_uri": f"{url}/token"}
        self._credential = credentials.Certificate(account)
        self._app = firebase_admin.initialize_app(
            self._credential, {"httpTimeout": TIMEOUT_SECONDS}, name=f"phr-{id(self)}"
        )
        self._lock = threading.Lock()
        service = messaging._get_messaging_service(self._app)  # noqa: SLF001 - its address has no face
        adapter = HTTPAdapter(pool_connections=1, pool_maxsize=BATCH, max_retries=Retry(0))
        for prefix in ("https://fcm.googleapis.com", "https://", "http://"):
            service._client.session.mount(prefix, adapter)  # noqa: SLF001
        if url is not None:
            service._fcm_url = f"{url}/v1/projects/{account['project_id']}/messages:send"  # noqa: SLF001

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
        try:
            self._refresh()
            batch = [compose(one, at) for one in messages]
            answer = messaging.send_each(batch, dry_run=False, app=self._app)
        except RefreshError as error:
            return [Sent(reason=_refusal(error))] * len(messages)
        except (GoogleAuthError, exceptions.FirebaseError) as error:
            log.warning("batch not handed over", exc_info=error)
            return [Sent(reason="transport")] * len(messages)
        except ValueError as error:
            # firebase_admin refuses a whole batch for one message: they are tried one by one
            log.warning("message not composed", exc_info=error)
            if len(messages) == 1:
                return [Sent(reason="invalid-argument")]
            return [sent for one in messages for sent in self._send([one], at)]
        return [_outcome(response.exception) for response in answer.responses]

    def _refresh(self) -> None:
        """Renew the credential here and once, rather than in each of the batch's threads."""
        held = self._credential.get_credential()
        with self._lock:
            if not held.valid:
                held.refresh(Request())


def compose(message: Message, at: datetime) -> messaging.Message:
    """Return the message as FCM takes it: never after its expiry, a repeat in its own place."""
    left = min(message.expires_at - at, LONGEST_TTL)
    is_prompt = message.is_urgent or message.category in PROMPT
    collapse = str(message.notification_id)
    data = {"id": collapse, "category": message.category, "kind": message.kind}
    if message.ref_id is not None and message.ref_kind is not None:
        data |= {"refKind": message.ref_kind, "refId": str(message.ref_id)}
    if message.profile_id is not None:
        data["profileId"] = str(message.profile_id)
    composed = messaging.Message(
        notification=messaging.Notification(body=message.text),
        data=data,
        android=messaging.AndroidConfig(
            collapse_key=collapse,
            priority="high" if is_prompt else "normal",
            ttl=left,
            notification=messaging.AndroidNotification(channel_id=message.category, tag=collapse),
        ),
        apns=messaging.APNSConfig(
            headers={
                "apns-priority": "10" if is_prompt else "5",
                "apns-expiration": str(int((at + left).timestamp())),
                "apns-collapse-id": collapse,
            },
            payload=messaging.APNSPayload(aps=messaging.Aps(thread_id=message.category)),
        ),
        webpush=messaging.WebpushConfig(
            headers={
                "TTL": str(int(left.total_seconds())),
                "Topic": message.notification_id.hex,  # RFC 8030 §5.4: at most 32 characters
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
