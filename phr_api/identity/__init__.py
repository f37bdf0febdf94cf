"""Who is who: accounts and their sessions, hospitals' systems, people and their numbers."""

from phr_api.identity import configuration, keys, tokens
from phr_api.identity.current import current_principal
from phr_api.identity.principal import Principal
from phr_api.identity.queries import (
    Notice,
    display_name,
    find_client_scopes,
    find_memberships,
    find_notices,
)
from phr_api.identity.received import ReceivedAddress, ReceivedCard, ReceivedPerson
from phr_api.identity.service.notices import mark_notices_read
from phr_api.identity.service.people import (
    MATCHING,
    KnownPerson,
    Match,
    NewRows,
    add_to_person,
    find_known,
    match_received,
    matching_parameters,
    read_match,
)
from phr_api.identity.service.sessions import require_live
from phr_api.identity.service.upkeep import trim
from phr_api.identity.tokens import authenticate, ends_at
from phr_api.settings import Settings

__all__ = [
    "MATCHING",
    "KnownPerson",
    "Match",
    "NewRows",
    "Notice",
    "Principal",
    "ReceivedAddress",
    "ReceivedCard",
    "ReceivedPerson",
    "add_to_person",
    "authenticate",
    "configure",
    "current_principal",
    "display_name",
    "ends_at",
    "find_client_scopes",
    "find_known",
    "find_memberships",
    "find_notices",
    "mark_notices_read",
    "match_received",
    "matching_parameters",
    "read_match",
    "require_live",
    "trim",
]


def configure(settings: Settings) -> None:
    """Give this process its issuer, providers and keys; what it remembers is forgotten."""
    configuration.configure(settings)
    keys.forget()
    tokens.forget()
