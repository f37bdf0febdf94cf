"""What one room says and another hears, in the same transaction, without an import between them.

`wiring` alone subscribes, so that who hears what can be read in one place.
"""

from collections.abc import Callable
from typing import Any, TypeVar

from sqlalchemy.orm import Session

T = TypeVar("T")

_handlers: dict[type, list[Callable[[Session, Any], None]]] = {}


def publish(session: Session, event: object) -> None:
    """Call the handlers of this very type of event; what they raise is the publisher's."""
    for handler in _handlers.get(type(event), ()):
        handler(session, event)


def subscribe(kind: type[T], handler: Callable[[Session, T], None]) -> None:
    """Let `handler` hear events of this type; the same handler again changes nothing."""
    heard = _handlers.setdefault(kind, [])
    if handler not in heard:
        heard.append(handler)
