"""A file that waits, as its passes need it."""

from collections.abc import Iterator
from dataclasses import dataclass
from uuid import UUID

from phr_api import audit
from phr_api.records.service import keys, originals


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A submission that is being processed; its bytes can be read again and again."""

    submission_id: UUID
    facility_code: str
    actor: audit.Actor
    wrapped_key: bytes
    validate_only: bool
    event_id: UUID | None

    def chunks(self) -> Iterator[bytes]:
        """Give the bytes as sent, again from the first."""
        return originals.open_upload(
            keys.current().private_key, self.submission_id, self.wrapped_key
        )
