"""A read visit as a person and the facts of the book, with every reason against it."""

from dataclasses import dataclass
from datetime import date

from phr_api.healthbook import Diagnosis, Encounter, Visit
from phr_api.identity import ReceivedPerson
from phr_api.records.reader import encounters, lines, papers
from phr_api.records.reader.cells import Cells, Faults
from phr_api.records.reader.layout import ARRIVAL, SUMMARY
from phr_api.records.reader.people import read_person
from phr_api.records.reader.reasons import Reason, VisitRefused
from phr_api.records.reader.rows import Row, canonical
from phr_api.records.reader.tables import ReadVisit
from phr_api.vocab import (
    SensitivityClass,
    classes_of_codes,
    classes_of_services,
    classes_of_text,
)

# Tables whose words are looked at; XML1's own are looked at apart, and names of people never.
TELLING = lines.TELLING | {table: form.telling for table, form in papers.FORMS.items()}


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
    classes = _classes(visit.tables, cells.row, diagnoses)
    encounter = encounters.read_encounter(
        cells,
        received=rows[0],
        visit_key=visit.ma_lk,
        facility_code=facility_code,
        today=today,
        diagnoses=diagnoses,
        classes=classes.of_encounter,
    )
    person = read_person(
        cells,
        visit.tables,
        arrived_at=encounter.started_at if encounter else None,
        today=today,
    )
    faults = cells.faults
    facts = None if encounter is None else _facts(visit, encounter, classes, faults)
    if faults.reasons or facts is None or person is None:
        raise VisitRefused(faults.reasons, ma_lk=visit.ma_lk, ma_bn=visit.ma_bn)
    warnings = (*visit.warnings, *faults.warnings)
    return Reading(person=person, visit=facts, warnings=warnings)


@dataclass(frozen=True, slots=True)
class _Classes:
    """Those of all facts, those of the encounter's own row, and whether any word tells one."""

    of_visit: frozenset[SensitivityClass]
    of_encounter: frozenset[SensitivityClass]
    is_telling: bool


def _classes(
    tables: dict[str, list[Row]], summary: Row, diagnoses: tuple[Diagnosis, ...]
) -> _Classes:
    """Diagnoses, in codes and in words, and a programme's table give their classes to all facts."""
    diagnosis_words = encounters.diagnosis_texts(summary)
    words = encounters.telling_texts(summary)
    of_visit = classes_of_codes([each.code for each in diagnoses])
    of_visit |= encounters.classes_given(tables)
    of_encounter = classes_of_services([summary.get("MA_DICH_VU", "")])  # of XML0
    is_telling = bool(classes_of_text(*diagnosis_words, *words, *_words(tables)))
    if is_telling:
        of_visit |= classes_of_text(*diagnosis_words)
        of_encounter |= classes_of_text(*words)
    return _Classes(of_visit, of_visit | of_encounter, is_telling=is_telling)


def _facts(visit: ReadVisit, encounter: Encounter, classes: _Classes, faults: Faults) -> Visit:
    """Return the visit with all its facts."""
    reading = lines.Lines(
        tables=visit.tables,
        faults=faults,
        classes=classes.of_visit,
        is_telling=classes.is_telling,
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


def _words(tables: dict[str, list[Row]]) -> list[str | None]:
    """Return every word of the visit that may name a class: one look tells whether any does."""
    return [
        row.get(name)
        for table, rows in tables.items()
        if table in TELLING
        for row in rows
        for name in TELLING[table]
    ]
