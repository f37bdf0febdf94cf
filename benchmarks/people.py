"""People for the read benchmarks, written by COPY as the embedded cluster's superuser.

A measured person has a book of about 30 kB: 25 visits, 60 results, 12 doses, 20 medicines. All the
others have ten facts each, so that the tables and their indexes have the size of a town's.
"""

import json
import random
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import psycopg
from psycopg import sql

from phr_api.identity import Principal, tokens
from phr_api.kit import clock
from phr_api.vocab import name_key, search_key

FACILITY = "99001"
NOW = datetime(2026, 11, 24, tzinfo=UTC)
NAME = "Nguyễn Thị Thử Nghiệm"
DIAGNOSES = ("I10", "E11.9", "J18.9", "K29.7", "M54.5", "J06.9")
MEASURED_VISITS, MEASURED_RESULTS, MEASURED_DOSES, MEASURED_MEDICINES = 25, 60, 12, 20
BATCH = 20_000

Row = dict[str, Any]
Tables = dict[str, list[Row]]


@dataclass(frozen=True, slots=True)
class Measured:
    """A person whose book is read, and the session that reads it."""

    account_id: UUID
    session_id: UUID
    profile_id: UUID


def fill(connection: psycopg.Connection[Any], *, measured: Sequence[Measured], others: int) -> None:
    """Write everybody; triggers and keys are off meanwhile, their rows are written here."""
    with connection.transaction():
        connection.execute("SET LOCAL session_replication_role = replica")
        _copy(connection, _measured_tables(measured))
        for start in range(0, others, BATCH):
            _copy(connection, _other_tables(min(BATCH, others - start)))
    with connection.transaction():
        connection.execute(
            "INSERT INTO facility (code, name, kind, search_key)"
            " VALUES ('99001', 'Bệnh viện Thử Nghiệm', 'hospital', 'benh vien thu nghiem')"
            " ON CONFLICT DO NOTHING"
        )
    connection.autocommit = True
    connection.execute("VACUUM ANALYZE")
    connection.execute("CHECKPOINT")


def sign_up(connection: psycopg.Connection[Any], people: Sequence[Measured]) -> None:
    """Write people without a book who are signed in, each with an account linked to their record.

    Triggers and keys are off meanwhile, as in `fill`.
    """
    tables: Tables = {}
    for person in people:
        _add_account(tables, person)
        _add(tables, "profile", _profile(person.profile_id))
        _add(tables, "record", {"profile_id": person.profile_id, "version": 0, "oldest_seq": 1})
    with connection.transaction():
        connection.execute("SET LOCAL session_replication_role = replica")
        _copy(connection, tables)


def token_of(person: Measured) -> str:
    """Return an access token of their session, good for ten minutes; identity is configured."""
    principal = Principal(
        kind="citizen",
        account_id=person.account_id,
        session_id=person.session_id,
        assurance="record",
        signed_in_at=clock.now(),
    )
    return tokens.issue(principal)[0]


def _measured_tables(people: Iterable[Measured]) -> Tables:
    tables: Tables = {}
    for person in people:
        _add_account(tables, person)
        _add_person(
            tables,
            person.profile_id,
            visits=MEASURED_VISITS,
            results=MEASURED_RESULTS,
            doses=MEASURED_DOSES,
            medicines=MEASURED_MEDICINES,
        )
    return tables


def _add_account(tables: Tables, person: Measured) -> None:
    _add(tables, "account", _account(person))
    _add(tables, "device", _device(person))
    _add(tables, "session", _session(person))
    link = {"method": "provider", "linked_at": NOW}
    _add(
        tables,
        "profile_link",
        {"account_id": person.account_id, "profile_id": person.profile_id} | link,
    )


def _other_tables(count: int) -> Tables:
    tables: Tables = {}
    for _ in range(count):
        _add_person(tables, uuid4(), visits=2, results=4, doses=2, medicines=2)
    return tables


def _add(tables: Tables, table: str, row: Row) -> None:
    tables.setdefault(table, []).append(row)


def _add_person(
    tables: Tables, person: UUID, *, visits: int, results: int, doses: int, medicines: int
) -> None:
    _add(tables, "profile", _profile(person))
    encounters = [uuid4() for _ in range(visits)]
    for index, encounter in enumerate(encounters):
        _add(tables, "encounter", _encounter(person, encounter, index))
    for index in range(results):
        _add(tables, "result", _result(person, encounters[index % visits], index))
    for index in range(medicines):
        _add(tables, "medication", _medication(person, encounters[index % visits], index))
    for index in range(doses):
        _add(tables, "immunization", _dose(person, index))
    facts = visits + results + doses + medicines
    _add(tables, "record", {"profile_id": person, "version": facts, "oldest_seq": facts + 1})


def _account(person: Measured) -> Row:
    row = {"issuer": "https://provider.example", "subject": person.account_id.hex}
    return {"id": person.account_id, "created_at": NOW} | row


def _device(person: Measured) -> Row:
    return {
        "id": person.session_id,
        "account_id": person.account_id,
        "installation_id": uuid4(),
        "name": "Điện thoại thử",
        "platform": "android",
        "created_at": NOW,
        "last_seen_at": NOW,
    }


def _session(person: Measured) -> Row:
    return {
        "id": person.session_id,
        "account_id": person.account_id,
        "device_id": person.session_id,
        "kind": "citizen",
        "provider": "dev-citizen",
        "assurance": "record",
        "has_second_factor": False,
        "signed_in_at": NOW,
        "last_used_at": NOW,
        "expires_at": NOW + timedelta(days=3650),
    }


def _profile(person: UUID) -> Row:
    birth = date(1930 + random.randrange(90), 1 + random.randrange(12), 1 + random.randrange(28))  # noqa: S311
    return {
        "id": person,
        "full_name": NAME,
        "name_key": name_key(NAME),
        "search_key": search_key(NAME),
        "sex": "female",
        "birth": birth.isoformat(),
        "birth_earliest": birth,
        "birth_latest": birth,
        "created_at": NOW,
        "updated_at": NOW,
    }


def _of_visit(person: UUID, encounter: UUID) -> Row:
    return {
        "profile_id": person,
        "id": uuid4(),
        "encounter_id": encounter,
        "status": "current",
        "received": json.dumps({"MA_LK": encounter.hex, "T_BHTT": "123692.00"}),
    }


def _encounter(person: UUID, encounter: UUID, index: int) -> Row:
    started = NOW - timedelta(days=40 * index + 1)
    return {
        "profile_id": person,
        "id": encounter,
        "status": "current",
        "received": json.dumps({"MA_LK": encounter.hex, "T_TONGCHI_BV": "154615.00"}),
        "source_state": "absent",
        "facility_code": FACILITY,
        "visit_key": encounter.hex,
        "care_type": "01",
        "started_at": started,
        "ended_at": started + timedelta(hours=2),
        "discharge_diagnosis": "Tăng huyết áp",
        "diagnoses": json.dumps(
            [
                {"code": DIAGNOSES[index % len(DIAGNOSES)], "role": "main"},
                {"code": "R51", "role": "other"},
            ]
        ),
        "revisit_on": "[]",
        "is_arrival": False,
        "created_at": NOW,
    }


def _result(person: UUID, encounter: UUID, index: int) -> Row:
    return _of_visit(person, encounter) | {
        "line_no": index,
        "code": f"23.{index % 12:04}",
        "name": "Glucose",
        "value_text": f"{4 + index % 5}.{index % 10}",
        "value_num": 4 + index % 5 + (index % 10) / 10,
        "unit": "mmol/L",
        "resulted_at": NOW - timedelta(days=index * 16),
    }


def _medication(person: UUID, encounter: UUID, index: int) -> Row:
    return _of_visit(person, encounter) | {
        "line_no": index,
        "code": "40.48",
        "name": "Paracetamol Test 500",
        "strength": "500mg",
        "route": "1.01",
        "dose_text": "1 viên/lần * 4 lần/ngày * 5 ngày",
        "quantity": 20,
        "unit": "Viên",
        "ordered_at": NOW - timedelta(days=index * 30),
        "until_on": (NOW - timedelta(days=index * 30 - 5)).date(),
    }


def _dose(person: UUID, index: int) -> Row:
    return {
        "profile_id": person,
        "id": uuid4(),
        "status": "current",
        "received": "{}",
        "vaccine_code": "DTP",
        "vaccine_name": "Vắc xin thử",
        "occurred_on": date(2020, 1 + index % 12, 5),
        "dose_number": 1 + index,
        "lot_number": "LOT-TEST",
        "facility_code": FACILITY,
        "created_at": NOW,
    }


def _copy(connection: psycopg.Connection[Any], tables: Tables) -> None:
    for table, rows in tables.items():
        names = list(rows[0])
        statement = sql.SQL("COPY {} ({}) FROM STDIN").format(
            sql.Identifier(table), sql.SQL(", ").join(map(sql.Identifier, names))
        )
        with connection.cursor() as cursor, cursor.copy(statement) as copy:
            for row in _values(rows, names):
                copy.write_row(row)


def _values(rows: Iterable[Row], names: Sequence[str]) -> Iterator[tuple[Any, ...]]:
    for row in rows:
        yield tuple(row[name] for name in names)
