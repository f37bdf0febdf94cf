"""Everything the first screen shows, in one round trip."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from phr_api.healthbook import BOOK_SHAPE, position_cursor
from phr_api.identity import Principal
from phr_api.kit.db import read_row
from phr_api.kit.problems import NotAllowed, NotSignedIn


@dataclass(frozen=True, slots=True, kw_only=True)
class HomePerson:
    """One record that this account opens.

    `cursor` is the last change that the account may see, `version` the tag of the book, shown to
    its owner alone (R23). `new` counts by section what hospitals sent since the account last
    looked.
    """

    id: UUID
    name: str
    relation: str
    powers: list[str]
    cursor: str
    version: str | None
    new: dict[str, int]

    @property
    def unread(self) -> int:
        return sum(self.new.values())


def find_people(principal: Principal, *, at: datetime) -> list[HomePerson]:
    """The caller's records, their own first (SQL function read_home, which proves each right).

    Raises NotSignedIn when the session has ended, NotAllowed for a system. Empty for a session that
    was not signed in at record level (R2).
    """
    account_id = principal.account_id
    if account_id is None:
        raise NotAllowed
    row = read_row(
        "SELECT is_live, reference, people FROM read_home(%s, %s, %s)",
        (account_id, principal.session_id, at),
    )
    if row is None or not row[0]:
        raise NotSignedIn
    return [_person(account_id, row[1], entry) for entry in row[2]]


def _person(account_id: UUID, reference: str, entry: dict[str, Any]) -> HomePerson:
    person, relation = UUID(entry["id"]), entry["relation"]
    return HomePerson(
        id=person,
        name=entry["name"],
        relation=relation,
        powers=entry["powers"],
        cursor=position_cursor(account_id, person, entry["last"], entry["classes"]),
        version=f"{entry['version']}.{BOOK_SHAPE}.{reference}" if relation == "self" else None,
        new=entry["new"],
    )
