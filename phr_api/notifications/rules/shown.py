"""A message as it is shown: the words of its kind with its parameters in them."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Literal

from phr_api.kit.clock import VIETNAM
from phr_api.notifications.rules.words import KINDS, Text

Language = Literal["vi", "en"]


# parameters that are words of ours rather than names
NAMED = {
    "carer": {"vi": "Người chăm sóc", "en": "A carer"},
    "staff": {"vi": "Nhân viên cơ sở khám chữa bệnh", "en": "A member of staff of a facility"},
    "operator": {"vi": "Người vận hành hệ thống", "en": "An operator of the system"},
}


class _Given(dict[str, str]):
    """What a cause did not give is left open, rather than the message lost."""

    def __missing__(self, name: str) -> str:
        return "…"


def words(kind: str, language: str) -> Text:
    """Return the words of a kind; Vietnamese unless English is asked for."""
    return KINDS[kind].en if language == "en" else KINDS[kind].vi


def show(kind: str, params: Mapping[str, str], language: str) -> tuple[str, str]:
    """Return title and text for the inbox; moments and days among `params` are written out."""
    text = words(kind, language)
    given = _Given({name: _readable(str(value), language) for name, value in params.items()})
    return text.title.format_map(given), text.text.format_map(given)


def _readable(value: str, language: str) -> str:
    """Return an ISO moment or day as people write it; anything else as it is."""
    if value in NAMED:
        return NAMED[value][language]
    try:
        if len(value) == len("2026-11-24"):
            day = date.fromisoformat(value)
            return f"{day:%d/%m/%Y}"
        at = datetime.fromisoformat(value).astimezone(VIETNAM)
    except ValueError:
        return value
    return f"{at:%H:%M %d/%m/%Y}" if language == "en" else f"{at:%H:%M} ngày {at:%d/%m/%Y}"
