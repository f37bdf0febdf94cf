"""People, accounts, sessions, systems, and the functions that link and match them.

Revision ID: 0002
"""

from alembic import op
from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    Date,
    DateTime,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from phr_api.migrations import identity_functions as functions
from phr_api.migrations.sql import (
    FACILITY,
    PRINCIPAL,
    WRITE,
    force_rls,
    grant,
    protect_account_table,
    protect_by_role,
    protect_facility_table,
    protect_person_table,
)

revision = "0002"
down_revision = "0001"


def moment(name: str, *, nullable: bool = False) -> Column[object]:
    return Column(name, DateTime(timezone=True), nullable=nullable)


def word(name: str, *, nullable: bool = False) -> Column[str]:
    return Column(name, Text, nullable=nullable)


def of(table: str, column: str, *, unique: bool = False) -> Column[object]:
    return Column(column, Uuid, ForeignKey(f"{table}.id"), nullable=False, unique=unique)


def classes() -> Column[object]:
    return Column("classes", ARRAY(Text), nullable=False, server_default="{}")


def upgrade() -> None:
    create_people()
    create_accounts()
    create_sessions()
    create_links()
    create_clients()
    create_counters()
    protect_people()
    protect_accounts()
    protect_clients()
    functions.create(op)


def create_people() -> None:
    op.create_table(
        "profile",
        Column("id", Uuid, primary_key=True),
        word("full_name"),
        word("name_key"),
        word("search_key"),
        word("sex"),
        word("birth"),
        Column("birth_earliest", Date, nullable=False),
        Column("birth_latest", Date, nullable=False),
        *(word(name, nullable=True) for name in ("phone", "ethnicity", "nationality")),
        *(word(name, nullable=True) for name in ("occupation", "blood_group")),
        classes(),
        moment("created_at"),
        moment("updated_at"),
        CheckConstraint("sex IN ('male', 'female', 'unknown')", name="sex"),
        CheckConstraint("birth_earliest <= birth_latest", name="birth"),
    )
    op.create_table(
        "profile_identifier",
        Column("id", Uuid),
        of("profile", "profile_id"),
        word("system"),
        word("value"),
        word("assurance"),
        *seen(),
        PrimaryKeyConstraint("profile_id", "id"),
        CheckConstraint("assurance IN ('declared', 'verified', 'received')", name="assurance"),
        Index("ix_profile_identifier_value", "system", "value"),
        live("profile_identifier", "profile_id", "system", "value", "assurance"),
    )
    op.create_table(
        "profile_address",
        Column("id", Uuid),
        of("profile", "profile_id"),
        word("scheme"),
        word("list_version"),
        *(word(f"{level}_code", nullable=True) for level in ("province", "district", "commune")),
        word("line", nullable=True),
        *seen(),
        PrimaryKeyConstraint("profile_id", "id"),
        CheckConstraint("scheme IN ('three-level', 'two-level')", name="scheme"),
    )
    op.create_table(
        "coverage",
        Column("id", Uuid),
        of("profile", "profile_id"),
        word("card_number"),
        Column("valid_from", Date),
        Column("valid_until", Date),
        word("registered_facility_code", nullable=True),
        *seen(),
        PrimaryKeyConstraint("profile_id", "id"),
    )


def seen() -> tuple[Column[object] | Column[str], ...]:
    return (
        word("facility_code", nullable=True),
        moment("seen_at"),
        moment("ended_at", nullable=True),
        classes(),
    )


def live(table: str, *columns: str) -> Index:
    where = text("ended_at IS NULL")
    return Index(f"uq_{table}_live", *columns, unique=True, postgresql_where=where)


def create_accounts() -> None:
    op.create_table(
        "account",
        Column("id", Uuid, primary_key=True),
        word("issuer"),
        word("subject"),
        moment("created_at"),
        moment("closed_at", nullable=True),
        UniqueConstraint("issuer", "subject"),
    )
    op.create_table(
        "membership",
        Column("id", Uuid, primary_key=True),
        of("account", "account_id"),
        word("facility_code"),
        word("role"),
        word("display_name"),
        moment("created_at"),
        moment("ended_at", nullable=True),
        CheckConstraint("role IN ('desk', 'doctor')", name="role"),
        Index("ix_membership_facility_code", "facility_code"),
        live("membership", "account_id", "facility_code", "role"),
    )
    op.create_table(
        "signing_key",
        Column("kid", Text, primary_key=True),
        Column("public_key", LargeBinary, nullable=False),
        Column("wrapped_key", LargeBinary, nullable=False),
        moment("created_at"),
        moment("signs_from"),
        moment("ends_at", nullable=True),
    )


def create_sessions() -> None:
    op.create_table(
        "device",
        Column("id", Uuid, primary_key=True),
        of("account", "account_id"),
        Column("installation_id", Uuid, nullable=False),
        word("name"),
        word("platform"),
        moment("created_at"),
        moment("last_seen_at"),
        moment("ended_at", nullable=True),
        UniqueConstraint("account_id", "installation_id"),
    )
    op.create_table(
        "session",
        Column("id", Uuid, primary_key=True),
        of("account", "account_id"),
        of("device", "device_id"),
        word("kind"),
        word("provider"),
        word("assurance"),
        Column("has_second_factor", Boolean, nullable=False),
        moment("signed_in_at"),
        moment("last_used_at"),
        moment("expires_at"),
        moment("ended_at", nullable=True),
        word("end_reason", nullable=True),
        CheckConstraint("kind IN ('citizen', 'staff')", name="kind"),
        CheckConstraint("assurance IN ('record', 'account')", name="assurance"),
        Index("ix_session_account_id", "account_id"),
    )
    op.create_table(
        "refresh_token",
        of("session", "session_id"),
        Column("generation", Integer, autoincrement=False),
        Column("account_id", Uuid, nullable=False),
        Column("token_hash", LargeBinary, nullable=False, unique=True),
        moment("issued_at"),
        moment("first_used_at", nullable=True),
        moment("spent_at", nullable=True),
        PrimaryKeyConstraint("session_id", "generation"),
    )
    op.create_table(
        "sign_in_attempt",
        Column("id", Uuid, primary_key=True),
        *map(word, ("provider", "nonce", "state", "code_challenge", "redirect_uri")),
        Column("installation_id", Uuid, nullable=False),
        word("device_name"),
        word("device_platform"),
        moment("created_at"),
        moment("expires_at"),
        moment("used_at", nullable=True),
        Column("account_id", Uuid),
        Index("ix_sign_in_attempt_expires_at", "expires_at"),
    )


def create_links() -> None:
    op.create_table(
        "profile_link",
        Column("account_id", Uuid, ForeignKey("account.id"), primary_key=True),
        of("profile", "profile_id", unique=True),
        word("method"),
        moment("linked_at"),
    )
    op.create_table(
        "account_notice",
        Column("id", Uuid, primary_key=True),
        of("account", "account_id"),
        word("kind"),
        moment("at"),
        Column("details", JSONB, nullable=False, server_default="{}"),
        moment("read_at", nullable=True),
        Index("ix_account_notice_account_id_at", "account_id", "at"),
    )
    op.create_table(
        "activation_code",
        Column("id", Uuid, primary_key=True),
        Column("code_hash", LargeBinary, nullable=False, unique=True),
        word("facility_code"),
        of("profile", "profile_id"),
        word("document"),
        Column("created_by", Uuid, nullable=False),
        moment("created_at"),
        moment("expires_at"),
        moment("used_at", nullable=True),
        Column("used_by", Uuid),
        Index("ix_activation_code_facility_code", "facility_code", "created_at"),
    )


def create_clients() -> None:
    op.create_table(
        "client",
        Column("id", Uuid, primary_key=True),
        word("name"),
        moment("created_at"),
        moment("ended_at", nullable=True),
    )
    op.create_table(
        "client_facility",
        of("client", "client_id"),
        word("facility_code"),
        PrimaryKeyConstraint("client_id", "facility_code"),
    )
    op.create_table(
        "client_key",
        of("client", "client_id"),
        word("kid"),
        word("algorithm"),
        Column("public_jwk", JSONB, nullable=False, server_default="{}"),
        moment("created_at"),
        moment("ended_at", nullable=True),
        PrimaryKeyConstraint("client_id", "kid"),
    )
    op.create_table(
        "client_jti",
        Column("client_id", Uuid),
        word("jti"),
        moment("expires_at"),
        PrimaryKeyConstraint("client_id", "jti"),
        Index("ix_client_jti_expires_at", "expires_at"),
    )


def create_counters() -> None:
    op.create_table(
        "rate_limit",
        Column("key", LargeBinary, primary_key=True),
        moment("full_at"),
        Index("ix_rate_limit_full_at", "full_at"),
        # losing a count in a crash harms nobody, and each use is a write
        prefixes=["UNLOGGED"],
    )
    op.create_table(
        "disagreement",
        word("facility_code"),
        Column("client_id", Uuid),
        Column("day", Date),
        Column("count", Integer, nullable=False),
        PrimaryKeyConstraint("facility_code", "client_id", "day"),
    )
    protect_by_role(op, "rate_limit", web=WRITE, worker=f"{WRITE}, DELETE")
    protect_by_role(op, "disagreement", web=WRITE, worker=WRITE)


def protect_people() -> None:
    protect_person_table(op, "profile", section="profile", feed="profile", person_column="id")
    protect_person_table(op, "profile_identifier", section="profile", web=WRITE, feed="row")
    protect_person_table(op, "profile_address", section="profile", feed="row")
    protect_person_table(op, "coverage", section="coverage", feed="row")
    # what a citizen types is declared, whatever the web process is made to send (R11)
    declared = "assurance = 'declared'"
    for verb, clause in (
        ("INSERT", f"WITH CHECK ({declared})"),
        ("UPDATE", f"USING ({declared}) WITH CHECK ({declared})"),
    ):
        op.execute(
            f"CREATE POLICY declared_{verb.lower()} ON profile_identifier AS RESTRICTIVE"
            f" FOR {verb} TO phr_web {clause}"
        )


def protect_accounts() -> None:
    protect_account_table(op, "account", column="id", web="SELECT", worker="")
    # what a sign-in proved stays as it was inserted: only these columns change afterwards
    for table, columns in (
        ("device", "name, platform, last_seen_at, ended_at"),
        ("session", "last_used_at, expires_at, ended_at, end_reason"),
        ("refresh_token", "first_used_at, spent_at"),
        ("account_notice", "read_at"),
    ):
        web = f"SELECT, INSERT, UPDATE ({columns})"
        protect_account_table(op, table, web=web, worker="")
    protect_account_table(op, "profile_link", web="SELECT", worker="")
    protect_account_table(op, "membership", web="SELECT", worker=WRITE)
    op.execute(
        f"CREATE POLICY facility ON membership TO phr_worker USING (facility_code = {FACILITY})"
        f" WITH CHECK (facility_code = {FACILITY})"
    )
    protect_facility_table(op, "activation_code", web="SELECT", worker="")
    # used up by the web process, and given its account by sign_in_account alone
    web = "SELECT, INSERT, UPDATE (used_at)"
    protect_by_role(op, "sign_in_attempt", web=web, worker="SELECT, DELETE")
    op.execute(
        "CREATE POLICY begun ON sign_in_attempt AS RESTRICTIVE FOR INSERT TO phr_web"
        " WITH CHECK (used_at IS NULL AND account_id IS NULL)"
    )
    protect_by_role(op, "signing_key", web="SELECT", worker=WRITE)


def protect_clients() -> None:
    """A system sees itself; the operator's command line works as the worker."""
    for table, column in (
        ("client", "id"),
        ("client_facility", "client_id"),
        ("client_key", "client_id"),
        ("client_jti", "client_id"),
    ):
        force_rls(op, table)
        own = f"{column} = {PRINCIPAL}"
        op.execute(f"CREATE POLICY own ON {table} TO phr_web USING ({own}) WITH CHECK ({own})")
        op.execute(f"CREATE POLICY operator ON {table} TO phr_worker USING (true)")
    for table in ("client", "client_facility", "client_key"):
        grant(op, table, web="SELECT", worker=WRITE)
    grant(op, "client_jti", web="SELECT, INSERT", worker="SELECT, DELETE")
