"""Who touched whose record, why; refusals too. Append-only."""

from phr_api.audit.queries import AccessEvent, find_access_events
from phr_api.audit.service import (
    Actor,
    ActorKind,
    add_subjects,
    record,
    record_list,
    record_refusal,
)

__all__ = [
    "AccessEvent",
    "Actor",
    "ActorKind",
    "add_subjects",
    "find_access_events",
    "record",
    "record_list",
    "record_refusal",
]
