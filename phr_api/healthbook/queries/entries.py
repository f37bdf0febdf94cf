"""What people entered, as rows to change; lists of it are read in `facts`."""

from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from phr_api.consent import RecordScope
from phr_api.healthbook.models import LIVE, Allergy, Condition, Entry, Measurement
from phr_api.healthbook.queries import wire
from phr_api.healthbook.queries.wire import Kind
from phr_api.kit.problems import NotFound

MODELS: dict[Kind, Any] = {
    wire.ALLERGY: Allergy,
    wire.CONDITION: Condition,
    wire.MEASUREMENT: Measurement,
}


def get_entry(session: Session, scope: RecordScope, kind: Kind, id_: UUID) -> Entry:
    """Return a standing entry by primary key, or NotFound; one made by mistake is gone."""
    model = MODELS[kind]
    found: Entry | None = session.scalar(
        select(model).where(
            model.profile_id == scope.profile_id, model.id == id_, model.status == LIVE
        )
    )
    if found is None:
        raise NotFound
    return found
