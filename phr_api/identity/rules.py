"""The arithmetic of sign-in and of people: pure, instants and words in, verdicts out."""

from collections.abc import Collection
from datetime import datetime, timedelta
from enum import StrEnum
from urllib.parse import urlsplit

ACCESS_TOKEN_LIFE = timedelta(minutes=10)
ATTEMPT_LIFE = timedelta(minutes=10)
ACTIVATION_LIFE = timedelta(hours=24)

# A spent refresh token answers with the same successor for a day at most (R4).
REPEAT_WINDOW = timedelta(hours=24)
# A phone that is not used for three months, or was signed in a year ago, signs in again.
IDLE_LIFE = {"citizen": timedelta(days=90), "staff": timedelta(hours=2)}
WHOLE_LIFE = {"citizen": timedelta(days=365), "staff": timedelta(hours=12)}
# A page on a desk locks when no hand has touched it for as long (R29).
PAGE_IDLE_LIFE = timedelta(minutes=10)

LONGEST_ASSERTION = timedelta(minutes=5)
CLOCK_SKEW = timedelta(seconds=30)

# Which list of divisions a code belongs to: QĐ 124/2004/QĐ-TTg with districts, and the 34 provinces
# with communes right below them since 2025-07-01.
DIVISION_LISTS = {"three-level": "124/2004", "two-level": "2025-07-01"}

# RFC 8176 §2, by kind: what the person knows, has, is. Two kinds are two factors; a generator's
# code and a key in hardware are asked for after another factor only.
FACTORS = (
    frozenset({"pwd", "pin", "kba"}),
    frozenset({"sms", "tel", "swk"}),
    frozenset({"fpt", "face", "iris", "vbm", "retina"}),
)
SECOND_FACTORS = frozenset({"mfa", "otp", "hwk"})

DEVELOPMENT_SCHEME = "vn.example.phr"


class Verdict(StrEnum):
    """What presenting a refresh token leads to."""

    ROTATE = "rotate"
    REPEAT = "repeat"
    REUSE = "reuse"


def judge_refresh(
    *,
    generation: int,
    newest: int,
    spent_at: datetime | None,
    newest_used_at: datetime | None,
    at: datetime,
) -> Verdict:
    """Tell a lost answer from a stolen token (R4).

    The newest one rotates. The one before it answers the same again until the newest pair is first
    used (its refresh or its access token), for a day at most. Everything else is reuse.
    """
    if generation == newest:
        return Verdict.ROTATE
    is_previous = generation == newest - 1 and spent_at is not None
    if is_previous and newest_used_at is None and spent_at and at - spent_at <= REPEAT_WINDOW:
        return Verdict.REPEAT
    return Verdict.REUSE


def session_end(kind: str, *, signed_in_at: datetime, at: datetime) -> datetime:
    """Return when a session used at `at` ends if it is not used again."""
    return min(signed_in_at + WHOLE_LIFE[kind], at + IDLE_LIFE[kind])


def page_session_end(*, signed_in_at: datetime, touched_at: datetime) -> datetime:
    """Return when a page's session ends that somebody last used with their hands at `touched_at`.

    What the page fetches by itself keeps nobody signed in.
    """
    return min(signed_in_at + WHOLE_LIFE["staff"], touched_at + PAGE_IDLE_LIFE)


def is_locked(*, is_page: bool, signed_in_at: datetime, expires_at: datetime) -> bool:
    """Tell of a session that is over whether its page lay idle, or its day was full."""
    return is_page and expires_at < signed_in_at + WHOLE_LIFE["staff"]


def is_redirect_allowed(uri: str, registered: Collection[str], *, is_development: bool) -> bool:
    """Only what the provider's redirectUris name, character by character (R3, RFC 9700 §2.1).

    On a developer's machine, loopback with any port, for command lines (RFC 8252 §7.3), and the
    scheme of the demonstration app may be used besides.
    """
    if uri in registered:
        return True
    if not is_development:
        return False
    try:
        parts = urlsplit(uri)
    except ValueError:
        return False
    if parts.fragment or parts.username is not None:
        return False
    is_loopback = parts.scheme == "http" and parts.hostname in {"127.0.0.1", "::1"}
    return is_loopback or parts.scheme == DEVELOPMENT_SCHEME


def is_second_factor(methods: Collection[str]) -> bool:
    """Whether the `amr` of an ID token tells of two factors (R7).

    It does when it says so (mfa), names a one-time code or a hardware key, or two kinds of factor.
    """
    named = set(methods)
    return bool(named & SECOND_FACTORS) or sum(bool(named & kind) for kind in FACTORS) > 1


def number_sex(citizen_number: str) -> str:
    """Return the sex in a 12-digit number: an even fourth digit is male."""
    return "male" if int(citizen_number[3]) % 2 == 0 else "female"
