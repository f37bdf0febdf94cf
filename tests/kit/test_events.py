"""One room says, another hears."""

from dataclasses import dataclass

from sqlalchemy.orm import Session

from phr_api.kit.events import publish, subscribe


@dataclass(frozen=True, slots=True)
class SomethingHappened:
    what: str


def test_a_handler_hears_its_kind_of_event_once(session: Session) -> None:
    heard: list[str] = []

    def hear(_: Session, event: SomethingHappened) -> None:
        heard.append(event.what)

    publish(session, SomethingHappened("before anybody listens"))
    subscribe(SomethingHappened, hear)
    subscribe(SomethingHappened, hear)
    publish(session, SomethingHappened("now"))
    publish(session, "something else")
    assert heard == ["now"]
