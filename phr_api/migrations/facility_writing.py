"""The directory written over the API: by systems that an operator let do so, and by nobody else."""

from phr_api.migrations.sql import PRINCIPAL, Executes, force_rls, grant, let_worker, own_function

COLUMNS = (
    """
ALTER TABLE client ADD COLUMN scopes text[] NOT NULL DEFAULT '{records.write}',
    ADD CONSTRAINT ck_client_scopes CHECK (scopes <@ ARRAY['records.write', 'facilities.write'])
""",
    "ALTER TABLE facility ADD COLUMN version integer NOT NULL DEFAULT 1",
)
MAY_WRITE = (
    f"EXISTS (SELECT 1 FROM client c WHERE c.id = {PRINCIPAL} AND c.ended_at IS NULL"
    " AND 'facilities.write' = ANY (c.scopes))"
)
WRITTEN = (
    "name, kind, province, address, phone, search_key, latitude, longitude, remote_licence, version"
)


def let_systems_write_facilities(op: Executes) -> None:
    for sql in COLUMNS:
        op.execute(sql)
    force_rls(op, "facility")
    op.execute("CREATE POLICY anyone ON facility FOR SELECT USING (true)")
    op.execute(
        f"CREATE POLICY directory ON facility TO phr_web"
        f" USING ({MAY_WRITE}) WITH CHECK ({MAY_WRITE})"
    )
    let_worker(op, "facility")
    grant(op, "facility", web=f"INSERT, UPDATE ({WRITTEN})")
    # a changed name raises the directory's version, whoever changes it
    op.execute("ALTER FUNCTION directory_changed() SECURITY DEFINER")
    own_function(op, "directory_changed()", to=())
    op.execute("GRANT UPDATE ON reference_version TO phr_definer")
