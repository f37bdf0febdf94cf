"""What people entered, as rows to change; lists of it are read in `facts`."""

from typing import TypeVar
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from phr_api.consent import RecordScope
from phr_api.healthbook.models import LIVE, Allergy, Condition, Measurement
from phr_api.kit.problems import NotFound

EntryT = TypeVar("EntryT", Allergy, Condition, Measurement)


def get_entry(session: Session, scope: RecordScope, model: type[EntryT], id_: UUID) -> EntryT:
    """Return a standing entry by primary key, or NotFound; one made by mistake is gone."""
    found = session.scalar(
        select(model).where(
            model.profile_id == scope.profile_id, model.id == id_, model.status == LIVE
        )
    )
    if found is None:
        raise NotFound
    return found
