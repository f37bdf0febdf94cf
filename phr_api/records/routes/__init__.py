"""The URLs of intake, one file a resource."""

from phr_api.records.routes.rejections import blp as rejections
from phr_api.records.routes.reviews import blp as reviews
from phr_api.records.routes.submissions import blp as submissions
from phr_api.records.routes.visits import blp as visits

blueprints = (submissions, rejections, visits, reviews)

__all__ = ["blueprints"]
