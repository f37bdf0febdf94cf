"""The SMS adapter against a gateway on loopback."""

import json
import threading
from collections.abc import Generator
from dataclasses import dataclass, field
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from phr_api.kit import clock
from phr_api.notifications.rules.policy import POLICY
from phr_api.notifications.service.sms import REASONS, SmsGateway
from tests.notifications.test_push import message

TOKEN = "a-gateway-token"


@dataclass
class FakeGateway:
    """Takes SMS, or answers what the test said."""

    url: str = ""
    taken: list[dict[str, Any]] = field(default_factory=list)
    answers: list[tuple[int, str | None]] = field(default_factory=list)


@pytest.fixture
def gateway() -> Generator[FakeGateway]:
    fake = FakeGateway()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            status, wait = fake.answers.pop(0) if fake.answers else (202, None)
            if self.headers["Authorization"] != f"Bearer {TOKEN}":
                status = 401
            if status == 202:
                fake.taken.append(body)
            self.send_response(status)
            if wait is not None:
                self.send_header("Retry-After", wait)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    fake.url = f"http://127.0.0.1:{server.server_port}/sms"
    yield fake
    server.shutdown()
    server.server_close()


def test_an_sms_is_neutral_and_carries_its_id(gateway: FakeGateway) -> None:
    one = message(channel="sms", address="+84900000009")
    sender = SmsGateway(gateway.url, TOKEN)
    assert sender.send([one], clock.now())[0].reason is None
    sender.close()
    text = "Lịch hẹn của bạn có thay đổi. Mở ứng dụng để xem."
    assert gateway.taken == [{"to": "+84900000009", "text": text, "id": str(one.delivery_id)}]


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (400, "refused"),
        (403, "permission-denied"),
        (404, "not-found"),
        (408, "deadline-exceeded"),
        (422, "refused"),
        (429, "resource-exhausted"),
        (500, "internal"),
        (503, "unavailable"),
        (599, "unavailable"),
    ],
)
def test_each_answer_has_its_reason(gateway: FakeGateway, status: int, reason: str) -> None:
    gateway.answers = [(status, None)]
    sender = SmsGateway(gateway.url, TOKEN)
    got = sender.send([message(), message()], clock.now())
    sender.close()
    assert [one.reason for one in got] == [reason, None]


def test_a_gateway_that_asks_for_rest_gets_it(gateway: FakeGateway) -> None:
    gateway.answers = [(202, None), (429, "30")]
    sender = SmsGateway(gateway.url, TOKEN)
    got = sender.send([message(), message(), message()], clock.now())
    sender.close()
    assert [one.reason for one in got] == [None, "resource-exhausted", "transport"]
    assert got[1].retry_after == timedelta(seconds=30)
    assert len(gateway.taken) == 1


def test_a_wrong_token_and_nobody_there(gateway: FakeGateway) -> None:
    wrong, nobody = SmsGateway(gateway.url, None), SmsGateway("http://127.0.0.1:9/", TOKEN)
    assert wrong.send([message()], clock.now())[0].reason == "unauthenticated"
    got = nobody.send([message(), message()], clock.now())
    assert [one.reason for one in got] == ["unreachable", "transport"]
    for one in (wrong, nobody):
        one.close()


def test_every_reason_has_its_row_in_the_policy() -> None:
    assert set(REASONS.values()) | {"transport", "refused", "unavailable"} <= set(POLICY)
