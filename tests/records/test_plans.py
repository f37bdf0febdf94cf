"""The worker plans once for as long as its tables' statistics stand: a look-up stays one."""

import hashlib
from collections.abc import Generator
from typing import Any

import psycopg
import pytest

from phr_api import migrations
from phr_api.kit.embedded import EmbeddedServer
from phr_api.records.queries import visits

A_FEW, MANY = 300, 10_000
DEEPER = 3  # pages that an index of ten thousand rows has more on the way to one of them
PERSON = """
    INSERT INTO profile (id, full_name, name_key, search_key, sex, birth, birth_earliest,
        birth_latest, created_at, updated_at)
    SELECT gen_random_uuid(), 'x', n::text, 'x', 'female', '1990-01-01', '1990-01-01',
        '1990-01-01', now(), now()
    FROM generate_series(%(first)s::int, %(last)s::int) n
"""
NUMBERS = """
    INSERT INTO profile_identifier (profile_id, id, system, value, assurance, seen_at)
    SELECT p.id, gen_random_uuid(), s.system, s.prefix || lpad(p.name_key, 9, '0'), 'received',
        now()
    FROM profile p, (VALUES ('citizen-id', '001'), ('bhxh', '1')) s (system, prefix)
    WHERE p.name_key::int BETWEEN %(first)s AND %(last)s
"""
VISITS = """
    INSERT INTO received_visit (id, facility_code, ma_lk, version, state, raw_sha256,
        content_sha256, person_sha256, submission_id, ordinal, original_id, match_kind,
        source_state, received_at)
    SELECT gen_random_uuid(), '99001', n::text, 1, 'current', sha256(n::text::bytea), '', '',
        gen_random_uuid(), n, gen_random_uuid(), 'new', 'absent', now()
    FROM generate_series(%(first)s::int, %(last)s::int) n
"""
MATCH = """
    SELECT outcome FROM match_person('{citizen-id}', '{001000000001}', '{1000000001}', '1',
        '1990-01-01', '1990-01-01', false, '{citizen-id:001000000001}')
"""
CURRENT = visits.CURRENT % {"facility": "$1", "hashes": "$2"}
HASHES = ", ".join(f"'\\x{hashlib.sha256(str(n).encode()).hexdigest()}'" for n in range(1, 101))

Pair = tuple[Any, Any]  # psycopg connections of the worker and of who fills the tables


@pytest.fixture
def young(cluster: EmbeddedServer, request: pytest.FixtureRequest) -> Generator[Pair]:
    """A new installation, whose tables nobody analyzes."""
    database = request.node.name.removeprefix("test_")[:40]
    cluster.ensure_database(database)
    superuser, worker_url = cluster.superuser_url(database), cluster.url(database, "phr_worker")
    migrations.upgrade(superuser, web_url=cluster.url(database, "phr_web"), worker_url=worker_url)
    with (
        psycopg.connect(superuser.replace("+psycopg", "", 1), autocommit=True) as filler,
        psycopg.connect(worker_url.replace("+psycopg", "", 1), autocommit=True) as worker,
    ):
        filler.execute("SET session_replication_role = replica")
        for table in ("profile", "profile_identifier", "received_visit"):
            filler.execute(f"ALTER TABLE {table} SET (autovacuum_enabled = false)".encode())
        worker.execute("SELECT set_config('phr.facility_id', '99001', false)")
        yield worker, filler


def fill(filler: Any, first: int, last: int) -> None:
    for statement in (PERSON, NUMBERS, VISITS):
        filler.execute(statement, {"first": first, "last": last})


def blocks(worker: Any, values: str) -> int:
    """How many blocks the prepared statement touches, those of functions that it calls included."""
    (row,) = worker.execute(f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) EXECUTE looked_up{values}")
    plan = row[0][0]["Plan"]
    assert plan["Actual Rows"] > 0
    return int(plan["Shared Hit Blocks"] + plan["Shared Read Blocks"])


def more_blocks(young: Pair, first: int, values: str = "") -> int:
    """How many blocks more it touches after the tables have grown from `first` rows."""
    worker, filler = young
    fill(filler, 1, first)
    blocks(worker, values)  # the plan is made, and stays
    before = blocks(worker, values)
    fill(filler, first + 1, MANY)
    return blocks(worker, values) - before


def test_a_person_is_looked_up_though_it_was_planned_without_people(young: Pair) -> None:
    young[0].execute(f"PREPARE looked_up AS {MATCH}")
    assert more_blocks(young, 1) <= 4 * DEEPER


def test_sent_hashes_are_looked_up_though_it_was_planned_with_few(young: Pair) -> None:
    young[0].execute(f"PREPARE looked_up (text, bytea[]) AS {CURRENT}")
    assert more_blocks(young, A_FEW, f"('99001', ARRAY[{HASHES}]::bytea[])") <= 100 * DEEPER
