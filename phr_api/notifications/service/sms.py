"""Handing SMS to a gateway over HTTP.

`POST SMS_URL` with a bearer token and `{"to", "text", "id"}`; 2xx takes it. The same id again is
the same message, for gateways that know of that. Other gateways get an adapter like this one.
"""

import logging
import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from http import HTTPStatus

import httpx

from phr_api.notifications.rules.policy import Sent
from phr_api.notifications.service.sending import Message

log = logging.getLogger(__name__)

TIMEOUT = httpx.Timeout(10.0, connect=5.0)
CODE_TIMEOUT = httpx.Timeout(3.0)  # somebody waits for a code, and with them a thread of the web
REASONS: dict[int, str] = {
    HTTPStatus.UNAUTHORIZED: "unauthenticated",
    HTTPStatus.FORBIDDEN: "permission-denied",
    HTTPStatus.NOT_FOUND: "not-found",
    HTTPStatus.REQUEST_TIMEOUT: "deadline-exceeded",
    HTTPStatus.TOO_MANY_REQUESTS: "resource-exhausted",
    HTTPStatus.INTERNAL_SERVER_ERROR: "internal",
}


class SmsGateway:
    """One gateway. A number is in the body alone; nothing of it is logged."""

    def __init__(self, url: str, token: str | None, *, timeout: httpx.Timeout = TIMEOUT) -> None:
        headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        self._url = url
        self._http = httpx.Client(timeout=timeout, headers=headers, follow_redirects=False)

    def close(self) -> None:
        """Close the connections to the gateway."""
        self._http.close()

    def send(self, messages: Sequence[Message], at: datetime) -> list[Sent]:  # noqa: ARG002
        """Hand them over one by one; after a lost connection the rest is left for the next try."""
        outcomes: list[Sent] = []
        for one in messages:
            sent = self._send(one)
            outcomes.append(sent)
            if sent.reason in {"unreachable", "transport"} or sent.retry_after is not None:
                break
        return outcomes + [Sent(reason="transport")] * (len(messages) - len(outcomes))

    def _send(self, message: Message) -> Sent:
        body = {"to": message.address, "text": message.text, "id": str(message.delivery_id)}
        try:
            answer = self._http.post(self._url, json=body)
        except httpx.HTTPError as error:
            log.warning("SMS gateway out of reach", exc_info=error)
            has_no_connection = isinstance(error, httpx.ConnectError | httpx.ConnectTimeout)
            return Sent(reason="unreachable" if has_no_connection else "transport")
        if answer.is_success:
            return Sent()
        asked = answer.headers.get("Retry-After", "")
        wait = timedelta(seconds=int(asked)) if re.fullmatch(r"\d{1,6}", asked) else None
        default = "refused" if answer.is_client_error else "unavailable"
        return Sent(reason=REASONS.get(answer.status_code, default), retry_after=wait)
