"""The health book: received facts, entered ones, the stored book; how far an account has looked.

Revision ID: 0005
"""

from alembic import op
from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    DateTime,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    Numeric,
    PrimaryKeyConstraint,
    Text,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSON, JSONB
from sqlalchemy.schema import SchemaItem

from phr_api.migrations import healthbook_functions as functions
from phr_api.migrations.sql import (
    CLASSES,
    PERSON,
    READ,
    SECTIONS,
    WRITE,
    definer,
    protect_account_table,
    protect_person_table,
    protect_table,
)

revision = "0005"
down_revision = "0004"

# The stored book shows everything, so only a scope with everything may see it (R8).
ALL_CLASSES = "ARRAY['hiv', 'tb', 'mental', 'reproductive']"
ALL_SECTIONS = (
    "ARRAY['profile', 'coverage', 'encounters', 'medications', 'results', 'procedures', 'notes',"
    " 'programmes', 'papers', 'immunizations', 'allergies', 'conditions', 'measurements']"
)

FACT_SECTIONS = {
    "encounter": "encounters",
    "medication": "medications",
    "procedure": "procedures",
    "result": "results",
    "note": "notes",
    "programme": "programmes",
    "paper": "papers",
    "immunization": "immunizations",
}
ENTRY_SECTIONS = {
    "allergy": "allergies",
    "condition": "conditions",
    "measurement": "measurements",
}


def word(name: str, *, needed: bool = False) -> Column[str]:
    return Column(name, Text, nullable=not needed)


def moment(name: str, *, needed: bool = False) -> Column[object]:
    return Column(name, DateTime(timezone=True), nullable=not needed)


def classes() -> Column[object]:
    return Column("classes", ARRAY(Text), nullable=False, server_default="{}")


def fact() -> tuple[SchemaItem, ...]:
    return (
        Column("profile_id", Uuid),
        Column("id", Uuid),
        classes(),
        word("status", needed=True),
        Column("received", JSON, nullable=False, server_default="{}"),
        PrimaryKeyConstraint("profile_id", "id"),
        CheckConstraint("status IN ('current', 'superseded', 'withdrawn')", name="status"),
    )


def of_visit(table: str) -> tuple[SchemaItem, ...]:
    return (
        *fact(),
        Column("encounter_id", Uuid, nullable=False),
        Column("line_no", Integer, nullable=False),
        ForeignKeyConstraint(
            ["profile_id", "encounter_id"], ["encounter.profile_id", "encounter.id"]
        ),
        Index(f"ix_{table}_encounter_id", "profile_id", "encounter_id"),
    )


def entered() -> tuple[SchemaItem, ...]:
    return (
        Column("profile_id", Uuid, ForeignKey("profile.id")),
        Column("id", Uuid),
        Column("version", Integer, nullable=False),
        classes(),
        *(word(name, needed=True) for name in ("status", "source")),
        Column("recorded_by", Uuid, nullable=False),
        *(moment(name, needed=True) for name in ("created_at", "updated_at")),
        PrimaryKeyConstraint("profile_id", "id"),
        CheckConstraint("status IN ('current', 'entered-in-error')", name="status"),
        CheckConstraint("source IN ('self', 'carer')", name="source"),
    )


def upgrade() -> None:
    create_encounters()
    create_orders()
    create_results_and_papers()
    create_immunizations()
    create_entries()
    create_snapshots()
    for table, section in FACT_SECTIONS.items():
        protect_person_table(op, table, section=section)
    for table, section in ENTRY_SECTIONS.items():
        protect_person_table(op, table, section=section, web=WRITE, worker=READ)
    for sql, signature in functions.CALLERS:
        op.execute(sql)
        op.execute(f"REVOKE ALL ON FUNCTION {signature} FROM PUBLIC")
        op.execute(f"GRANT EXECUTE ON FUNCTION {signature} TO phr_web")
    definer(op, functions.ACCESS_NAMES, "access_names(uuid[])", to=("phr_web",))


def create_encounters() -> None:
    op.create_table(
        "encounter",
        *fact(),
        ForeignKeyConstraint(["profile_id"], ["profile.id"]),
        Column("supersedes", Uuid),
        Column("superseded_by", Uuid),
        Column("submission_id", Uuid),
        *(word(name, needed=True) for name in ("source_state", "facility_code")),
        word("visit_key", needed=True),
        *(word(name) for name in ("patient_code", "care_type", "category")),
        moment("started_at", needed=True),
        *(moment(name) for name in ("ended_at", "admitted_at")),
        Column("medicines_until", Date),
        *(word(name) for name in ("reason", "admission_diagnosis", "discharge_diagnosis")),
        Column("diagnoses", JSONB, nullable=False, server_default="[]"),
        *(word(name) for name in ("outcome", "discharge_kind", "treatment", "advice")),
        Column("revisit_on", JSONB, nullable=False, server_default="[]"),
        Column("departments", ARRAY(Text), nullable=False, server_default="{}"),
        *(word(name) for name in ("record_number", "referred_from", "referred_to")),
        word("blood_group"),
        Column("weight_kg", Numeric),
        Column("is_arrival", Boolean, nullable=False),
        moment("created_at", needed=True),
        ForeignKeyConstraint(
            ["profile_id", "supersedes"], ["encounter.profile_id", "encounter.id"]
        ),
        Index("ix_encounter_timeline", "profile_id", "started_at", "id"),
    )


def create_orders() -> None:
    op.create_table(
        "medication",
        *of_visit("medication"),
        word("code"),
        word("name", needed=True),
        *(word(name) for name in ("strength", "form", "route", "dose_text", "instructions")),
        Column("quantity", Numeric),
        word("unit"),
        moment("ordered_at"),
        Column("until_on", Date),
        word("prescriber"),
    )
    op.create_table(
        "procedure",
        *of_visit("procedure"),
        word("kind", needed=True),
        word("code"),
        word("name", needed=True),
        word("group_code"),
        Column("quantity", Numeric),
        word("unit"),
        *(moment(name) for name in ("ordered_at", "performed_at", "resulted_at")),
    )


def create_results_and_papers() -> None:
    op.create_table(
        "result",
        *of_visit("result"),
        *(word(name) for name in ("service_code", "service_name", "code")),
        word("name", needed=True),
        word("value_text"),
        Column("value_num", Numeric),
        *(word(name) for name in ("unit", "description", "conclusion")),
        moment("resulted_at"),
        Index("ix_result_series", "profile_id", "code", "resulted_at", "id"),
    )
    op.create_table(
        "note",
        *of_visit("note"),
        moment("noted_at"),
        *(word(name) for name in ("text", "stage", "consultation", "operation")),
        Column("authors", ARRAY(Text), nullable=False, server_default="{}"),
        Column("vitals", JSONB),
    )
    op.create_table(
        "programme",
        *of_visit("programme"),
        word("kind", needed=True),
        *(Column(name, Date) for name in ("started_on", "ended_on")),
        word("regimen"),
    )
    op.create_table(
        "paper",
        *of_visit("paper"),
        word("kind", needed=True),
        word("number"),
        *(Column(name, Date) for name in ("issued_on", "from_on", "to_on", "appointment_on")),
        *(word(name) for name in ("to_facility", "diagnosis")),
        Column("details", JSONB, nullable=False, server_default="{}"),
    )


def create_immunizations() -> None:
    op.create_table(
        "immunization",
        *fact(),
        ForeignKeyConstraint(["profile_id"], ["profile.id"]),
        word("vaccine_code"),
        word("vaccine_name", needed=True),
        Column("occurred_on", Date, nullable=False),
        Column("dose_number", Integer),
        *(word(name) for name in ("lot_number", "facility_code")),
        moment("created_at", needed=True),
        Index("ix_immunization_timeline", "profile_id", "occurred_on", "id"),
    )


def create_entries() -> None:
    op.create_table(
        "allergy",
        *entered(),
        *(word(name, needed=True) for name in ("substance", "category")),
        *(word(name) for name in ("severity", "reaction", "noted_on")),
        Column("ended_on", Date),
        word("note"),
        CheckConstraint(
            "category IN ('medication', 'food', 'environment', 'other')", name="category"
        ),
        CheckConstraint("severity IN ('mild', 'moderate', 'severe')", name="severity"),
    )
    op.create_table(
        "condition",
        *entered(),
        word("name", needed=True),
        *(word(name) for name in ("code", "onset")),
        Column("ended_on", Date),
        word("note"),
    )
    op.create_table(
        "measurement",
        *entered(),
        *(word(name, needed=True) for name in ("client_id", "kind")),
        Column("value", Numeric, nullable=False),
        Column("diastolic", Numeric),
        word("unit", needed=True),
        moment("taken_at", needed=True),
        word("note"),
        CheckConstraint("(kind = 'blood-pressure') = (diastolic IS NOT NULL)", name="diastolic"),
        Index("uq_measurement_client_id", "profile_id", "recorded_by", "client_id", unique=True),
        Index(
            "ix_measurement_timeline",
            "profile_id",
            "taken_at",
            "id",
            postgresql_where=text("status = 'current'"),
        ),
    )


def create_snapshots() -> None:
    op.create_table(
        "record_snapshot",
        Column("profile_id", Uuid, primary_key=True),
        Column("version", BigInteger, nullable=False),
        word("shape", needed=True),
        Column("body", LargeBinary, nullable=False),
    )
    full_view = f"{ALL_CLASSES} <@ {CLASSES} AND {ALL_SECTIONS} <@ {SECTIONS}"
    protect_table(
        op, "record_snapshot", f"profile_id = {PERSON} AND {full_view}", web=WRITE, worker=""
    )
    # a usual book lies in its row, not in pieces beside it: one page less to find for each read
    op.execute("ALTER TABLE record_snapshot SET (toast_tuple_target = 8160)")
    # gzip inside: compressing it again only costs
    op.execute("ALTER TABLE record_snapshot ALTER COLUMN body SET STORAGE EXTERNAL")
    op.create_table(
        "home_seen",
        Column("account_id", Uuid),
        Column("profile_id", Uuid),
        Column("seq", BigInteger, nullable=False),
        moment("seen_at", needed=True),
        PrimaryKeyConstraint("account_id", "profile_id"),
    )
    protect_account_table(op, "home_seen", worker="")
