"""Sessions of pages: the refresh token stays in a cookie that no script can read."""

from datetime import timedelta
from urllib.parse import urlsplit
from uuid import UUID

from sqlalchemy.orm import Session

from phr_api.identity.configuration import settings
from phr_api.identity.problems import InvalidGrant, WrongOrigin
from phr_api.identity.service import sessions, sign_in
from phr_api.identity.service.sessions import Tokens
from phr_api.identity.service.sign_in import Completion
from phr_api.kit.db import retrying
from phr_api.kit.problems import NotSignedIn

# As many clerks as share one machine of a desk (a cookie each).
MOST_CLERKS = 6


def check_origin(origin: str | None) -> None:
    """Raise WrongOrigin unless the request comes from a page of ours (RFC 6454 §7).

    A browser names the origin of every POST and DELETE; nobody else has our cookie.
    """
    ours = urlsplit(settings().public_url)
    if origin != f"{ours.scheme}://{ours.netloc}":
        raise WrongOrigin


def cookie_name(clerk: int) -> str:
    """Return the cookie of the page's n-th clerk.

    `__Host-` binds it to this host and to https (RFC 6265bis §4.1.3.2), which a developer's
    machine does not speak.
    """
    return f"{'__Host-' if is_secure() else ''}phr-{clerk}"


def is_secure() -> bool:
    """Tell whether pages are served over https; only a developer's machine does without."""
    return settings().public_url.startswith("https://")


def complete(attempt_id: UUID, completion: Completion) -> Tokens:
    """Finish a member of staff's sign-in; raises as `sign_in.complete`, and for a citizen too.

    Citizens have an app of their own: their records are not opened in a page for desks.
    """
    return sign_in.complete(attempt_id, completion, audience="staff", is_page=True)


def renew(token: str | None, *, untouched: timedelta | None) -> Tokens:
    """Return the next pair of a page's session; `untouched`: how long no hand has used the page.

    Without that nothing is known of anybody, and the session ends when it would have ended.
    Raises NotSignedIn when there is none alive, PageLocked when it lay idle for ten minutes.
    """
    try:
        return sessions.renew(token or "", untouched=untouched)
    except InvalidGrant:
        raise NotSignedIn from None


def end(token: str | None) -> None:
    """End the session that this token belongs to, however old it is; unknown ones end nothing."""

    def _end(session: Session) -> None:
        sessions.end_by_token(session, token or "")

    retrying(_end)
