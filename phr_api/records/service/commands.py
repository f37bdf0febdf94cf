"""What a facility may ask about a visit it sent, as frozen commands."""

from dataclasses import asdict, dataclass
from typing import Any, Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """Whether the waiting visit belongs to the holder of the number it came with."""

    decision: Literal["same-person", "different-person"]
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CorrectedPerson:
    """Whose visit it really is; `birth` as in PartialDate, `number` any that identifies."""

    full_name: str
    birth: str
    sex: str
    number: str | None = None

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reattachment:
    """Take the visit out of one book and attach it to the person it belongs to (R13)."""

    reason: str
    person: CorrectedPerson
