"""The wire shape of each kind of fact, written once: the book, the lists and the single reads
select these expressions, so that one fact looks the same everywhere.

Each expression stands over the table under the alias `t`. Members without a value are left out
(json_strip_nulls at the end). Codes get their words here, from the current lists: an unknown code
shows as itself. Moments carry Viet Nam's offset; nothing depends on the present day.
"""

from dataclasses import dataclass

from phr_api.vocab import Section


def moment(column: str) -> str:
    """Return the SQL of a moment with Viet Nam's offset, as RFC 3339 writes it."""
    return (
        f"to_char({column} AT TIME ZONE 'Asia/Ho_Chi_Minh',"
        r""" 'YYYY-MM-DD"T"HH24\:MI\:SS"+07\:00"')"""
    )


def words(system: str, column: str, *more: str) -> str:
    """Return the SQL of {code, display, displayEn, …} by the current list of `system`."""
    extra = "".join(f", {item}" for item in more)
    return (
        f"CASE WHEN {column} IS NOT NULL THEN (SELECT json_build_object('code', {column},"  # noqa: S608
        f" 'display', coalesce(w.display_vi, {column}), 'displayEn', w.display_en{extra})"
        f" FROM (SELECT 1) once LEFT JOIN current_code w"
        f" ON w.system = {system} AND w.code = {column}) END"
    )


def place(column: str) -> str:
    """Return the SQL of a facility's code and name."""
    return (
        f"CASE WHEN {column} IS NOT NULL THEN (SELECT json_build_object('code', {column},"  # noqa: S608
        f" 'name', f.name) FROM (SELECT 1) once LEFT JOIN facility f ON f.code = {column}) END"
    )


def members(**expressions: str) -> str:
    """Return the SQL of a JSON object with these members; Python names become camelCase."""
    pairs = ", ".join(f"'{_camel(name)}', {sql}" for name, sql in expressions.items())
    return f"json_build_object({pairs})"


def _camel(name: str) -> str:
    head, *tail = name.split("_")
    return head + "".join(part.title() for part in tail)


def columns(*names: str) -> dict[str, str]:
    """Return members that are columns as they are."""
    return {name: f"t.{name}" for name in names}


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of fact: its table, its section, its JSON, and what its list is sorted by.

    `sort` is never null, so that a page can begin after it; ties break by id, newest first.
    """

    table: str
    section: Section
    json: str
    sort: str = "t.id"
    sort_type: str = "uuid"

    @property
    def order(self) -> str:
        return f"{self.sort} DESC, t.id DESC"


CLASSES = "nullif(t.classes, '{}')"
LABELS = {"classes": CLASSES}


def visible_visit(column: str) -> str:
    """Return the SQL of another visit's id, if the caller may see that visit (R8)."""
    return (
        f"CASE WHEN {column} IS NOT NULL THEN (SELECT o.id FROM encounter o"  # noqa: S608
        f" WHERE o.profile_id = t.profile_id AND o.id = {column}) END"
    )


DIAGNOSES = (
    "(SELECT json_agg("  # noqa: S608
    + words("'icd10'", "d.code", "'role', d.role")
    + " ORDER BY d.ordinality) FROM ROWS FROM (jsonb_to_recordset(t.diagnoses)"
    " AS (code text, role text)) WITH ORDINALITY d(code, role, ordinality))"
)

VISIT_FACILITY = (
    "(SELECT "  # noqa: S608
    + place("e.facility_code")
    + " FROM encounter e WHERE e.profile_id = t.profile_id AND e.id = t.encounter_id)"
)

ENCOUNTER = Kind(
    "encounter",
    Section.ENCOUNTERS,
    members(
        id="t.id",
        status="t.status",
        facility=place("t.facility_code"),
        care_type=words("'care-type'", "t.care_type"),
        started_at=moment("t.started_at"),
        admitted_at=moment("t.admitted_at"),
        ended_at=moment("t.ended_at"),
        is_arrival="CASE WHEN t.is_arrival THEN true END",
        **columns("medicines_until", "reason", "admission_diagnosis", "discharge_diagnosis"),
        diagnoses=DIAGNOSES,
        outcome=words("'outcome'", "t.outcome"),
        discharge_kind=words("'discharge-kind'", "t.discharge_kind"),
        category=words("'patient-category'", "t.category"),
        **columns("treatment", "advice"),
        revisit_on="CASE WHEN t.revisit_on <> '[]' THEN t.revisit_on END",
        departments="nullif(t.departments, '{}')",
        record_number="t.record_number",
        referred_from=place("t.referred_from"),
        referred_to=place("t.referred_to"),
        blood_group="t.blood_group",
        weight_kg="trim_scale(t.weight_kg)",
        **columns("visit_key", "source_state"),
        supersedes=visible_visit("t.supersedes"),
        superseded_by=visible_visit("t.superseded_by"),
        **LABELS,
    ),
    "t.started_at",
    "timestamptz",
)

MEDICATION = Kind(
    "medication",
    Section.MEDICATIONS,
    members(
        **columns("id", "encounter_id", "code", "name", "strength", "form"),
        route=words("'medicine-route'", "t.route"),
        **columns("dose_text", "instructions"),
        quantity="trim_scale(t.quantity)",
        unit="t.unit",
        ordered_at=moment("t.ordered_at"),
        medicines_until="t.until_on",
        prescriber="t.prescriber",
        **LABELS,
    ),
    "coalesce(t.ordered_at, '-infinity')",
    "timestamptz",
)

PROCEDURE = Kind(
    "procedure",
    Section.PROCEDURES,
    members(
        **columns("id", "encounter_id", "kind", "code", "name"),
        group=words("'service-group'", "t.group_code"),
        quantity="trim_scale(t.quantity)",
        unit="t.unit",
        ordered_at=moment("t.ordered_at"),
        performed_at=moment("t.performed_at"),
        resulted_at=moment("t.resulted_at"),
        **LABELS,
    ),
    "coalesce(t.performed_at, t.ordered_at, '-infinity')",
    "timestamptz",
)

# Operations and procedures; XML3 also holds beds, supplies and laboratory orders (vietnam.md 1.8).
DONE = "t.group_code IN ('8', '18')"

RESULT = Kind(
    "result",
    Section.RESULTS,
    members(
        **columns("id", "encounter_id", "service_code", "service_name", "code", "name"),
        value="t.value_text",
        number="trim_scale(t.value_num)",
        **columns("unit", "description", "conclusion"),
        at=moment("t.resulted_at"),
        **LABELS,
    ),
    "coalesce(t.resulted_at, '-infinity')",
    "timestamptz",
)

NOTE = Kind(
    "note",
    Section.NOTES,
    members(
        **columns("id", "encounter_id"),
        at=moment("t.noted_at"),
        **columns("text", "stage", "consultation", "operation", "vitals"),
        authors="nullif(t.authors, '{}')",
        **LABELS,
    ),
    "coalesce(t.noted_at, '-infinity')",
    "timestamptz",
)

PROGRAMME = Kind(
    "programme",
    Section.PROGRAMMES,
    members(**columns("id", "encounter_id", "kind", "started_on", "ended_on", "regimen"), **LABELS),
)

PAPER = Kind(
    "paper",
    Section.PAPERS,
    members(
        **columns("id", "encounter_id"),
        kind=words("'paper-kind'", "t.kind"),
        **columns("status", "number", "issued_on", "from_on", "to_on"),
        **columns("appointment_on", "diagnosis"),
        to_facility=place("t.to_facility"),
        details="t.details",
        facility=VISIT_FACILITY,
        **LABELS,
    ),
    "coalesce(t.issued_on, '-infinity')",
    "date",
)

IMMUNIZATION = Kind(
    "immunization",
    Section.IMMUNIZATIONS,
    members(
        **columns("id", "vaccine_code", "vaccine_name", "occurred_on"),
        **columns("dose_number", "lot_number"),
        facility=place("t.facility_code"),
        **LABELS,
    ),
    "t.occurred_on",
    "date",
)

ENTERED = {
    **columns("status", "source", "recorded_by"),
    "recorded_at": moment("t.created_at"),
    "updated_at": moment("t.updated_at"),
    **LABELS,
}

ALLERGY = Kind(
    "allergy",
    Section.ALLERGIES,
    members(
        **columns("id", "substance", "category", "severity", "reaction", "noted_on", "ended_on"),
        note="t.note",
        **ENTERED,
    ),
)

CONDITION = Kind(
    "condition",
    Section.CONDITIONS,
    members(
        **columns("id", "name"),
        code=words("'icd10'", "t.code"),
        **columns("onset", "ended_on", "note"),
        **ENTERED,
    ),
)

MEASUREMENT = Kind(
    "measurement",
    Section.MEASUREMENTS,
    members(
        **columns("id", "client_id", "kind"),
        value="CASE WHEN t.diastolic IS NULL THEN trim_scale(t.value) END",
        systolic="CASE WHEN t.diastolic IS NOT NULL THEN trim_scale(t.value) END",
        diastolic="trim_scale(t.diastolic)",
        unit="t.unit",
        taken_at=moment("t.taken_at"),
        note="t.note",
        **ENTERED,
    ),
    "t.taken_at",
    "timestamptz",
)

IDENTIFIERS = (
    "(SELECT json_agg(json_build_object('system', i.system, 'value', i.value,"
    " 'assurance', i.assurance) ORDER BY i.system, i.assurance DESC, i.value)"
    " FROM profile_identifier i WHERE i.profile_id = t.id AND i.ended_at IS NULL)"
)
PROVINCES = "CASE a.scheme WHEN 'two-level' THEN 'province-2025' ELSE 'province-63' END"
ADDRESSES = (
    "(SELECT json_agg(json_build_object('scheme', a.scheme, 'listVersion', a.list_version,"  # noqa: S608
    f" 'province', {words(PROVINCES, 'a.province_code')}, 'districtCode', a.district_code,"
    " 'communeCode', a.commune_code, 'line', a.line) ORDER BY a.seen_at DESC, a.id)"
    " FROM profile_address a WHERE a.profile_id = t.id AND a.ended_at IS NULL)"
)
PROFILE = Kind(
    "profile",
    Section.PROFILE,
    members(
        **columns("id", "full_name", "sex", "birth", "phone"),
        ethnicity=words("'ethnicity'", "t.ethnicity"),
        nationality=words("'nationality'", "t.nationality"),
        occupation=words("'occupation'", "t.occupation"),
        blood_group="t.blood_group",
        identifiers=IDENTIFIERS,
        addresses=ADDRESSES,
    ),
)

COVERAGE = Kind(
    "coverage",
    Section.COVERAGE,
    members(
        **columns("id", "card_number", "valid_from", "valid_until"),
        registered_facility=place("t.registered_facility_code"),
    ),
    "coalesce(t.valid_from, '-infinity')",
    "date",
)
