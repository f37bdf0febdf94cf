"""The blueprint of everything below a profile; each module of this package adds its views."""

from phr_api.kit.web import Blueprint

blp = Blueprint(
    "healthbook",
    __name__,
    url_prefix="/v1/profiles/<uuid:profile_id>",
    description="The e-health book of one person (sổ sức khỏe điện tử)",
)
