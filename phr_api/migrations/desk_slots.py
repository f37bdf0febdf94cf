"""A desk that re-plans a session makes its new slots at once: its own facility's, free ones."""

from phr_api.migrations.sql import FACILITY, Executes, grant

# The slot is of a schedule of this facility, and of the service that the schedule is for.
OF_OWN_SCHEDULE = (
    "EXISTS (SELECT 1 FROM schedule s WHERE s.id = slot.schedule_id"
    f" AND s.facility_code = {FACILITY} AND s.service_id = slot.service_id)"
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
    grant(op, "slot", web="INSERT")
    grant(op, "seat", web="INSERT (slot_id, seat_no, facility_code)")
