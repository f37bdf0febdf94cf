"""Tables of the health book: received facts, entered ones, and the stored book."""

from phr_api.healthbook.models.entries import LIVE, MISTAKEN, Allergy, Condition, Entry, Measurement
from phr_api.healthbook.models.record import Record, RecordChange, RecordSnapshot
from phr_api.healthbook.models.visits import (
    Encounter,
    Immunization,
    Medication,
    Note,
    Paper,
    Procedure,
    Programme,
    Result,
)

__all__ = [
    "LIVE",
    "MISTAKEN",
    "Allergy",
    "Condition",
    "Encounter",
    "Entry",
    "Immunization",
    "Measurement",
    "Medication",
    "Note",
    "Paper",
    "Procedure",
    "Programme",
    "Record",
    "RecordChange",
    "RecordSnapshot",
    "Result",
]
