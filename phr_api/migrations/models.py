"""Every room's tables, for comparing models with migrations."""

from phr_api.audit import models as _audit
from phr_api.kit import idempotency as _idempotency
from phr_api.kit.db import Base

__all__ = ["_audit", "_idempotency", "metadata"]

metadata = Base.metadata
