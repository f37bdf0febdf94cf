"""The blueprint of what an account is told."""

from phr_api.kit.web import Blueprint

blp = Blueprint(
    "notifications", __name__, url_prefix="/v1", description="What an account is told, and how"
)
