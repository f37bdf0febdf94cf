"""A read visit as a person and the facts of the book, with every reason against it."""

from dataclasses import dataclass
from datetime import date

from phr_api.healthbook import Encounter, Visit
from phr_api.identity import ReceivedPerson
from phr_api.records.reader import encounters, lines, papers
from phr_api.records.reader.cells import Cells, Faults
from phr_api.records.reader.layout import ARRIVAL, SUMMARY
from phr_api.records.reader.people import read_person
from phr_api.records.reader.reasons import Reason, VisitRefused
from phr_api.records.reader.rows import canonical
from phr_api.records.reader.tables import ReadVisit
from phr_api.records.reader.telling import Labels


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """Whose visit it is, what it tells, and cells that could not be read (they refuse nothing)."""

    person: ReceivedPerson
    visit: Visit
    warnings: tuple[Reason, ...] = ()


def interpret(visit: ReadVisit, *, today: date, facility_code: str) -> Reading:
    """Return the person and the facts of a visit.

    `today` is the day in Vietnam; `facility_code` the sender's, which the visit must not deny.
    Raises VisitRefused with all reasons: no summary, a required field missing, a date or number
    that cannot be, another facility.
    """
    table = SUMMARY if SUMMARY in visit.tables else ARRIVAL
    rows = visit.tables.get(table)
    if not rows:
        raise VisitRefused([Reason(code="no-summary")], ma_lk=visit.ma_lk, ma_bn=visit.ma_bn)
    cells = Cells(Faults(), table, 1, canonical(table, rows[0]))
    diagnoses = encounters.read_diagnoses(cells)
    labels = Labels(visit.tables)
    classes = labels.of_visit()
    encounter = encounters.read_encounter(
        cells,
        received=rows[0],
        visit_key=visit.ma_lk,
        facility_code=facility_code,
        today=today,
        diagnoses=diagnoses,
        classes=classes,
    )
    person = read_person(
        cells,
        visit.tables,
        arrived_at=encounter.started_at if encounter else None,
        today=today,
    )
    faults = cells.faults
    facts = None if encounter is None else _facts(visit, encounter, labels, faults)
    if faults.reasons or facts is None or person is None:
        raise VisitRefused(faults.reasons, ma_lk=visit.ma_lk, ma_bn=visit.ma_bn)
    warnings = (*visit.warnings, *faults.warnings)
    return Reading(person=person, visit=facts, warnings=warnings)


def _facts(visit: ReadVisit, encounter: Encounter, labels: Labels, faults: Faults) -> Visit:
    """Return the visit with all its facts."""
    reading = lines.Lines(
        tables=visit.tables,
        faults=faults,
        classes=encounter.classes,
        labels=labels,
        medicines_until=encounter.medicines_until,
    )
    return Visit(
        encounter=encounter,
        medications=lines.read_medications(reading),
        procedures=lines.read_procedures(reading),
        results=lines.read_results(reading),
        notes=lines.read_notes(reading),
        programmes=lines.read_programmes(reading),
        papers=papers.read_papers(reading, visit),
    )
