"""The facts of one person, the assembled book, the change feed."""

from phr_api.healthbook.facts import (
    Diagnosis,
    Encounter,
    Fact,
    Medication,
    Note,
    Paper,
    Procedure,
    Programme,
    Result,
    Visit,
    Vitals,
)
from phr_api.healthbook.feed import position_cursor, read_position
from phr_api.healthbook.queries.book import SHAPE as BOOK_SHAPE
from phr_api.healthbook.queries.follow_ups import FollowUp, find_follow_ups
from phr_api.healthbook.service import (
    WrittenVisit,
    supersede_visit,
    withdraw_visit,
    write_visit,
)

__all__ = [
    "BOOK_SHAPE",
    "Diagnosis",
    "Encounter",
    "Fact",
    "FollowUp",
    "Medication",
    "Note",
    "Paper",
    "Procedure",
    "Programme",
    "Result",
    "Visit",
    "Vitals",
    "WrittenVisit",
    "find_follow_ups",
    "position_cursor",
    "read_position",
    "supersede_visit",
    "withdraw_visit",
    "write_visit",
]
