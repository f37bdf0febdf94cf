"""A sender that remembers, in place of the network."""

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import pytest
from flask import Flask
from sqlalchemy import delete
from sqlalchemy.orm import Session

from phr_api.notifications.models import Delivery, Notification
from phr_api.notifications.rules.policy import Sent
from phr_api.notifications.service import delivering, sms_codes
from phr_api.notifications.service.sending import ConsoleSender, Message
from phr_api.settings import Settings


@dataclass
class FakeSender:
    """Keeps what it was given, and answers what the test said, once each."""

    sent: list[Message] = field(default_factory=list)
    answers: list[Sent] = field(default_factory=list)
    meanwhile: Callable[[], None] = lambda: None  # what happens while it is waited for

    def send(self, messages: Sequence[Message], at: datetime) -> list[Sent]:  # noqa: ARG002
        self.sent.extend(messages)
        self.meanwhile()
        return [self.answers.pop(0) if self.answers else Sent() for _ in messages]


@pytest.fixture
def empty_outbox(app: Flask, session: Session) -> None:
    """What other tests of this process told would be drained here as well."""
    session.execute(delete(Delivery))
    session.execute(delete(Notification))
    session.commit()


@pytest.fixture
def push(empty_outbox: None) -> Generator[FakeSender]:
    """The push sender of this process; SMS go to a second one, `push.sms`."""
    fake, sms = FakeSender(), FakeSender()
    fake.sms = sms  # type: ignore[attr-defined]
    delivering.use({"push": fake, "sms": sms})
    yield fake
    delivering.use({"push": ConsoleSender(), "sms": ConsoleSender()})


@pytest.fixture
def gateway(app: Flask, settings: Settings) -> Generator[FakeSender]:
    """What codes are sent by; it stands for the gateway."""
    fake = FakeSender()
    sms_codes.use(fake, settings.secret)
    yield fake
    sms_codes.use(ConsoleSender(), settings.secret)
