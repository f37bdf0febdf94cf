"""The blueprint of everything below a profile; each module of this package adds its views."""

from functools import partial

from marshmallow import RAISE

from phr_api.kit.web import Blueprint

blp = Blueprint(
    "healthbook",
    __name__,
    url_prefix="/v1/profiles/<uuid:profile_id>",
    description="The e-health book of one person (sổ sức khỏe điện tử)",
)

# A misspelt member would otherwise be ignored: `after` on a list that goes by `before` would
# answer the first page again, for ever.
query = partial(blp.arguments, location="query", unknown=RAISE)
