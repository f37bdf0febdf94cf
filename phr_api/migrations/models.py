"""Every room's tables, for comparing models with migrations."""

from phr_api.appointments import models as _appointments
from phr_api.audit import models as _audit
from phr_api.clinics import models as _clinics
from phr_api.consent import models as _consent
from phr_api.healthbook import models as _healthbook
from phr_api.home import models as _home
from phr_api.identity import models as _identity
from phr_api.kit import idempotency as _idempotency
from phr_api.kit import jobs as _jobs
from phr_api.kit import limits as _limits
from phr_api.kit.db import Base
from phr_api.notifications import models as _notifications
from phr_api.records import models as _records

__all__ = [
    "_appointments",
    "_audit",
    "_clinics",
    "_consent",
    "_healthbook",
    "_home",
    "_idempotency",
    "_identity",
    "_jobs",
    "_limits",
    "_notifications",
    "_records",
    "metadata",
]

metadata = Base.metadata
