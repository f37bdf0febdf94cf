"""Revision 0016: who has slots made, and where they are.

A desk that re-plans a session makes its new slots at once: its own facility's, free ones. Who
writes the directory lets the worker make a facility's slots anew.
"""

from phr_api.migrations.sql import FACILITY, Executes, definer, grant

FACILITIES_DUE = """
CREATE FUNCTION facilities_due(p_codes text[], p_at timestamptz) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
    UPDATE schedule SET due_at = least(due_at, p_at)
    WHERE facility_code = ANY (p_codes) AND ended_at IS NULL
$$"""

# The slot is of a schedule of this facility, of the service that the schedule is for, in the
# province in which the worker put the schedule's others, and has no more seats than is said there.
OF_OWN_SCHEDULE = (
    "EXISTS (SELECT 1 FROM schedule s JOIN clinic_service v ON v.id = s.service_id"
    f" WHERE s.id = slot.schedule_id AND s.facility_code = {FACILITY}"
    " AND v.id = slot.service_id AND v.code = slot.service_code"
    " AND slot.capacity <= greatest(s.capacity, (SELECT max(e.capacity)"
    " FROM schedule_exception e WHERE e.schedule_id = s.id AND e.ended_at IS NULL)))"
    " AND EXISTS (SELECT 1 FROM slot l WHERE l.schedule_id = slot.schedule_id"
    " AND l.province IS NOT DISTINCT FROM slot.province)"
)
OF_OWN_SLOT = (
    f"facility_code = {FACILITY} AND EXISTS (SELECT 1 FROM slot l WHERE l.id = seat.slot_id"
    f" AND l.facility_code = {FACILITY} AND seat.seat_no BETWEEN 1 AND l.capacity)"
)


def let_desks_make_slots(op: Executes) -> None:
    for table, check in (("slot", OF_OWN_SCHEDULE), ("seat", OF_OWN_SLOT)):
        op.execute(
            f"CREATE POLICY made ON {table} AS RESTRICTIVE FOR INSERT TO phr_web"
            f" WITH CHECK ({check})"
        )
    signature = "facilities_due(text[], timestamptz)"
    definer(op, FACILITIES_DUE, signature, to=("phr_web", "phr_worker"))
    grant(op, "slot", web="INSERT")
    grant(op, "seat", web="INSERT (slot_id, seat_no, facility_code)")
