"""Rows that no released dump has yet come through the revisions after 0015."""

from pathlib import Path
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, create_engine, text

from phr_api import migrations
from phr_api.kit.embedded import EmbeddedServer
from tests.migrations.dumping import DATABASE, make_roles

SOMEBODY = UUID(int=1)
PHONE = "+84900000077"
SOME = {
    "uuid": "gen_random_uuid()",
    "text": "'x'",
    "timestamp with time zone": "now()",
    "date": "current_date",
    "time without time zone": "'08:00'",
    "integer": "1",
    "numeric": "1",
    "jsonb": "'{}'",
    "smallint": "1",
    "bigint": "1",
    "boolean": "false",
    "bytea": "decode('00', 'hex')",
}
NEEDED = text(
    "SELECT column_name, data_type FROM information_schema.columns WHERE table_name = :table"
    " AND is_nullable = 'NO' AND column_default IS NULL AND is_identity = 'NO'"
)
ROWS: dict[str, dict[str, Any]] = {
    "facility": {"code": "99001"},
    "clinic_service": {"facility_code": "99001", "kind": "on-site"},
    "clinic_queue": {"prefix": "A"},
    "session": {"kind": "staff", "assurance": "record"},
    "slot": {
        "starts_at": "2026-12-01 08:00+07",
        "ends_at": "2026-12-01 08:30+07",
        "status": "open",
    },
    "booking": {
        "state": "confirmed",
        "source": "app",
        "profile_id": SOMEBODY,
        "slot_id": SOMEBODY,
        "seat_no": 1,
    },
    "hold": {"kind": "hold"},
    "ticket": {"state": "waiting", "source": "desk"},
    "notification_setting": {"sms_phone": PHONE},
    "notification": {"category": "booking", "kind": "booking.confirmed", "profile_id": SOMEBODY},
    "delivery": {"channel": "push", "state": "due"},
}


def add(connection: Connection, table: str, given: dict[str, Any]) -> None:
    """Insert a row with what is given, and something wherever a value is needed."""
    values = {name: SOME[kind] for name, kind in connection.execute(NEEDED, {"table": table})}
    values |= {name: f":{name}" for name in given}
    columns, marks = ", ".join(values), ", ".join(values.values())
    connection.execute(text(f"INSERT INTO {table} ({columns}) VALUES ({marks})"), given)  # noqa: S608 - from ROWS


def count(connection: Connection) -> dict[str, int]:
    counts = {table: text(f"SELECT count(*) FROM {table}") for table in ROWS}  # noqa: S608
    return {table: connection.scalar(query) or 0 for table, query in counts.items()}


def test_rows_of_before_are_there_and_their_rules_hold(tmp_path: Path) -> None:
    with EmbeddedServer.start(tmp_path, durable=False) as server:
        make_roles(server)
        url = server.url(DATABASE, "migrator")
        urls = {f"{role}_url": server.url(DATABASE, f"phr_{role}") for role in ("web", "worker")}
        migrations.upgrade(url, **urls, to="0015")
        engine = create_engine(server.superuser_url(DATABASE))
        with engine.begin() as connection:
            connection.execute(text("SET LOCAL session_replication_role = replica"))
            for table, given in ROWS.items():
                add(connection, table, given)
            assert set(count(connection).values()) == {1}
        migrations.upgrade(url, **urls)
        with engine.connect() as connection:
            assert set(count(connection).values()) == {1}
            proven = text("SELECT sms_phone, sms_proven_at FROM notification_setting")
            assert connection.execute(proven).one() == (PHONE, None)  # nothing is sent to it
            assert connection.scalar(text("SELECT is_page FROM session")) is False
            kind = connection.scalar(text("SELECT visit_kind FROM clinic_service"))
            assert kind == "other"
        engine.dispose()
