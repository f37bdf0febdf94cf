"""Identity's addresses. Sign-in, tokens and keys are public; everything else is guarded."""

from phr_api.identity.routes.activation import blueprint as activation
from phr_api.identity.routes.details import blueprint as details
from phr_api.identity.routes.oauth import blueprint as oauth
from phr_api.identity.routes.pages import blueprint as pages
from phr_api.identity.routes.phone import blueprint as sign_in  # sign-in's, with phone added
from phr_api.identity.routes.sessions import blueprint as sessions

blueprints = (sign_in, oauth, sessions, pages, activation, details)
