"""The SQL that every protected table needs, in one place: policies, grants, feed triggers.

A migration names its table and what kind of table it is; a test derives the same from the models'
`info` and compares with pg_catalog (FINDINGS 15).
"""

from typing import Protocol


class Executes(Protocol):
    """Alembic's `op`, as far as it is needed here."""

    def execute(self, sql: str) -> None: ...


PERSON = "nullif(current_setting('phr.profile_id', true), '')::uuid"
FACILITY = "nullif(current_setting('phr.facility_id', true), '')"
ACCOUNT = "nullif(current_setting('phr.account_id', true), '')::uuid"
SESSION = "nullif(current_setting('phr.session_id', true), '')::uuid"
PRINCIPAL = "nullif(current_setting('phr.principal_id', true), '')::uuid"
# scalar sub-selects are evaluated once per statement, not once per row
CLASSES = "(SELECT string_to_array(current_setting('phr.classes', true), ','))"
SECTIONS = "(SELECT string_to_array(current_setting('phr.sections', true), ','))::text[]"

# write_visit (revision 0008) tells the feed once of all the rows that it writes
FEED_UNLESS_TOGETHER = "WHEN (current_setting('phr.feed', true) IS DISTINCT FROM 'together')"

# the person in scope, as far as the caller may see; bookings and notifications have no section
PERSON_AND_CLASSES = f"profile_id = {PERSON} AND classes <@ {CLASSES}"
# what a phone number's account left there; a number that changed hands shows nothing older
PHONE = (
    f"via_phone AND account_id = {ACCOUNT} AND created_at >="
    f" (SELECT p.verified_at FROM phone_proof p WHERE p.account_id = {ACCOUNT})"
)

READ = "SELECT"
WRITE = "SELECT, INSERT, UPDATE"
ALL_VERBS = "SELECT, INSERT, UPDATE, DELETE"


def force_rls(op: Executes, table: str) -> None:
    """No policy, no row: for the table's owner too."""
    op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
    op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
    # the closed list of definer functions, and data migrations, work as this role
    op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO phr_definer")


def person_condition(section: str, *, person_column: str = "profile_id") -> str:
    """R8: person, sensitivity class and section, as every policy on a person's data says it."""
    return f"{person_column} = {PERSON} AND classes <@ {CLASSES} AND '{section}' = ANY ({SECTIONS})"


def protect_person_table(
    op: Executes,
    table: str,
    *,
    section: str,
    web: str = READ,
    worker: str = WRITE,
    feed: str = "fact",
    person_column: str = "profile_id",
) -> None:
    """Policy, grants and feed triggers of a table with one person's data.

    `feed`: "fact" (has a status), "row" (has none), "profile" (the person itself).
    """
    force_rls(op, table)
    condition = person_condition(section, person_column=person_column)
    op.execute(f"CREATE POLICY person ON {table} USING ({condition}) WITH CHECK ({condition})")
    op.execute(f"GRANT {web} ON {table} TO phr_web")
    op.execute(f"GRANT {worker} ON {table} TO phr_worker")
    for event, rows in (
        ("INSERT", "NEW TABLE AS changed"),
        ("UPDATE", "OLD TABLE AS before NEW TABLE AS changed"),
        ("DELETE", "OLD TABLE AS changed"),
    ):
        op.execute(
            f"CREATE TRIGGER feed_{event.lower()} AFTER {event} ON {table}"
            f" REFERENCING {rows}"
            f" FOR EACH STATEMENT EXECUTE FUNCTION feed_{feed}('{table}', '{section}')"
        )


def protect_table(
    op: Executes, table: str, condition: str, *, web: str = READ, worker: str = WRITE
) -> None:
    """One policy for all commands: rows for which `condition` holds."""
    force_rls(op, table)
    op.execute(f"CREATE POLICY scope ON {table} USING ({condition}) WITH CHECK ({condition})")
    grant(op, table, web=web, worker=worker)


def protect_facility_table(
    op: Executes, table: str, *, column: str = "facility_code", web: str = READ, worker: str = WRITE
) -> None:
    """Rows of the facility in `phr.facility_id`."""
    protect_table(op, table, f"{column} = {FACILITY}", web=web, worker=worker)


def protect_account_table(
    op: Executes, table: str, *, column: str = "account_id", web: str = WRITE, worker: str = READ
) -> None:
    """Rows of the account in `phr.account_id`."""
    protect_table(op, table, f"{column} = {ACCOUNT}", web=web, worker=worker)


def protect_by_role(op: Executes, table: str, *, web: str = "", worker: str = "") -> None:
    """A table without a person in it: the roles that are named work on all its rows."""
    force_rls(op, table)
    grant(op, table, web=web, worker=worker)
    roles = [role for role, verbs in (("phr_web", web), ("phr_worker", worker)) if verbs]
    op.execute(f"CREATE POLICY role ON {table} TO {', '.join(roles)} USING (true)")


def protect_directory_table(
    op: Executes, table: str, *, web: str = WRITE, worker: str = ALL_VERBS
) -> None:
    """Everybody reads it, a facility's desk changes its own rows, the worker all of them."""
    force_rls(op, table)
    own = f"facility_code = {FACILITY}"
    op.execute(f"CREATE POLICY anyone ON {table} FOR SELECT USING (true)")
    op.execute(f"CREATE POLICY facility ON {table} TO phr_web USING ({own}) WITH CHECK ({own})")
    let_worker(op, table)
    grant(op, table, web=web, worker=worker)


def let_worker(op: Executes, table: str) -> None:
    """The worker's role sees every row; its grants say what it may do with them."""
    op.execute(f"CREATE POLICY worker ON {table} TO phr_worker USING (true)")


def grant(op: Executes, table: str, *, web: str = "", worker: str = "") -> None:
    """Give the two app roles their verbs on a table; an empty string gives none."""
    for role, verbs in (("phr_web", web), ("phr_worker", worker)):
        if verbs:
            op.execute(f"GRANT {verbs} ON {table} TO {role}")


def definer(op: Executes, sql: str, signature: str, *, to: tuple[str, ...]) -> None:
    """Create a SECURITY DEFINER function of the closed list (R10).

    `sql` is the CREATE FUNCTION statement, with SECURITY DEFINER and a fixed search_path in it;
    `signature` is name(types). Owned by the NOLOGIN BYPASSRLS role, executable by `to` alone.
    """
    op.execute(sql)
    own_function(op, signature, to=to)


def invoker(op: Executes, sql: str, signature: str, *, to: tuple[str, ...]) -> None:
    """Create a function that works with its caller's rights; only `to` may call it."""
    op.execute(sql)
    op.execute(f"REVOKE ALL ON FUNCTION {signature} FROM PUBLIC")
    for role in to:
        op.execute(f"GRANT EXECUTE ON FUNCTION {signature} TO {role}")


def own_function(op: Executes, signature: str, *, to: tuple[str, ...]) -> None:
    """Hand a function to phr_definer and let only `to` call it."""
    op.execute(f"ALTER FUNCTION {signature} OWNER TO phr_definer")
    op.execute(f"REVOKE ALL ON FUNCTION {signature} FROM PUBLIC")
    for role in to:
        op.execute(f"GRANT EXECUTE ON FUNCTION {signature} TO {role}")
