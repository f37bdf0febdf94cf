"""Hot reads: one round trip, typed both ways, and a lost connection is not noticed."""

from datetime import UTC, datetime
from uuid import uuid4

import pytest
from flask import Flask
from sqlalchemy.exc import DBAPIError

from phr_api.kit import db


@pytest.fixture(autouse=True)
def configured(app: Flask) -> None:
    """The application has bound kit.db to the web's role."""


def test_values_go_and_come_with_their_types() -> None:
    at, id_ = datetime(2026, 3, 2, 8, 30, tzinfo=UTC), uuid4()
    row = db.read_row(
        "SELECT %s, %s, %s, %s, %s::jsonb, %s::bytea, now() IS NOT NULL",
        (id_, at, "sổ", 7, '{"a": [1]}', b"\x00\x01"),
    )
    assert row == (id_, at, "sổ", 7, {"a": [1]}, b"\x00\x01", True)


def test_null_and_no_row_are_none() -> None:
    assert db.read_row("SELECT %s::text", (None,)) == (None,)
    assert db.read_row("SELECT 1 WHERE %s", (False,)) is None


def test_a_lost_connection_is_tried_once_more() -> None:
    row = db.read_row("SELECT pg_backend_pid()", ())
    assert row is not None
    killed = db.read_row("SELECT pg_terminate_backend(%s::int)", (row[0],))
    assert killed is not None  # its own backend: the first try is lost, the second finds nobody
    assert db.read_row("SELECT 1", ()) == (1,)


def test_an_error_of_the_statement_is_the_callers_and_the_connection_goes_on() -> None:
    before = db.read_row("SELECT pg_backend_pid()", ())
    with pytest.raises(DBAPIError) as failed:
        db.read_row("SELECT 1 / %s", (0,))
    assert getattr(failed.value.orig, "sqlstate", None) == "22012"
    assert db.read_row("SELECT pg_backend_pid()", ()) == before


def test_nothing_is_left_open_or_set_after_a_read() -> None:
    db.read_row("SELECT set_config('phr.profile_id', %s, true)", (str(uuid4()),))
    assert db.read_row("SELECT current_setting('phr.profile_id', true)", ()) == ("",)
