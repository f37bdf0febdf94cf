"""What one may do with a health book: write visits, enter facts, keep snapshots."""

from phr_api.healthbook.service.entries import (
    NewAllergy,
    NewCondition,
    NewEntry,
    NewMeasurement,
    add_allergy,
    add_condition,
    add_measurements,
    change_entry,
    withdraw_entry,
)
from phr_api.healthbook.service.snapshots import keep_book
from phr_api.healthbook.service.visits import (
    WrittenVisit,
    supersede_visit,
    withdraw_visit,
    write_visit,
)

__all__ = [
    "NewAllergy",
    "NewCondition",
    "NewEntry",
    "NewMeasurement",
    "WrittenVisit",
    "add_allergy",
    "add_condition",
    "add_measurements",
    "change_entry",
    "keep_book",
    "supersede_visit",
    "withdraw_entry",
    "withdraw_visit",
    "write_visit",
]
