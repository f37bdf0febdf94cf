"""A visit arrives in two round trips, and the feed is told of it once.

Revision ID: 0008
"""

from alembic import op
from sqlalchemy import text

from phr_api.migrations import intake_functions as functions
from phr_api.migrations.sql import FEED_UNLESS_TOGETHER, own_function

revision = "0008"
down_revision = "0007"

CALLED_BY_WORKER = (
    (functions.KNOWN_PERSON, "known_person(uuid)"),
    (functions.OPEN_INTAKE, "open_intake(text, uuid, uuid)"),
    (
        functions.ARRIVE_VISIT,
        functions.ARRIVE_VISIT_SIGNATURE,
    ),
    (
        functions.WRITE_VISIT,
        functions.WRITE_VISIT_SIGNATURE,
    ),
)
# under the search path of the definer functions that call them, or of the worker
CALLED_BY_OTHERS = (
    "begin_visit(text, text, uuid, integer, uuid, date)",
    "check_proof(integer, date, date)",
    "lock_numbers(text[])",
)


def upgrade() -> None:
    op.execute(functions.MATCH_PERSON)
    op.execute(functions.TELL_TOGETHER)
    own_function(op, functions.TELL_TOGETHER_SIGNATURE, to=("phr_worker",))
    for sql, signature in CALLED_BY_WORKER:
        op.execute(sql)
        op.execute(f"REVOKE ALL ON FUNCTION {signature} FROM PUBLIC")
        op.execute(f"GRANT EXECUTE ON FUNCTION {signature} TO phr_worker")
    for signature in CALLED_BY_OTHERS:
        op.execute(f"ALTER FUNCTION {signature} RESET search_path")
    for table in functions.BOOK_TABLES:
        tell_unless_together(table)


def tell_unless_together(table: str) -> None:
    """Make the table's feed trigger anew, so that it leaves out what write_visit tells itself."""
    made = op.get_bind().scalar(
        text(
            "SELECT pg_get_triggerdef(oid) FROM pg_trigger"
            " WHERE tgrelid = CAST(:name AS regclass) AND tgname = 'feed_insert'"
        ),
        {"name": table},
    )
    op.execute(f"DROP TRIGGER feed_insert ON {table}")
    op.execute(made.replace(" EXECUTE ", f" {FEED_UNLESS_TOGETHER} EXECUTE "))
