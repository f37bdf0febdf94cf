"""What can fail when somebody signs in, links a person or renews a token."""

from http import HTTPStatus

from phr_api.kit.problems import Problem


class UnknownProvider(Problem):
    """No sign-in provider of this id is configured."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY
    slug = "identity/unknown-provider"
    titles = {
        "vi": "Không có nhà cung cấp đăng nhập này",
        "en": "There is no such sign-in provider",
    }


class RedirectNotAllowed(Problem):
    """The redirect is not https, not an app's own scheme, and not on loopback (RFC 8252 §7)."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY
    slug = "identity/redirect-not-allowed"
    titles = {
        "vi": "Địa chỉ chuyển hướng không được phép",
        "en": "This redirect address is not allowed",
    }


class AttemptOver(Problem):
    """The sign-in attempt was completed already, or its ten minutes have passed."""

    status = HTTPStatus.GONE
    slug = "identity/sign-in-attempt-over"
    titles = {
        "vi": "Lần đăng nhập này đã kết thúc, hãy bắt đầu lại",
        "en": "This sign-in attempt is over, start again",
    }


class AttemptMismatch(Problem):
    """State or code verifier are not those of this attempt; the attempt is over."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY
    slug = "identity/sign-in-attempt-mismatch"
    titles = {
        "vi": "Thông tin không khớp với lần đăng nhập này, hãy bắt đầu lại",
        "en": "This does not belong to the sign-in attempt, start again",
    }


class ProviderUnavailable(Problem):
    """The sign-in provider does not answer, or not as a provider does."""

    status = HTTPStatus.SERVICE_UNAVAILABLE
    slug = "identity/provider-unavailable"
    titles = {
        "vi": "Nhà cung cấp đăng nhập tạm thời không phản hồi",
        "en": "The sign-in provider does not answer, try again",
    }

    def __init__(self) -> None:
        super().__init__(headers={"Retry-After": "10"})


class SignInRefused(Problem):
    """What the provider sent does not prove who this is, or the account is closed."""

    status = HTTPStatus.FORBIDDEN
    slug = "identity/sign-in-refused"
    titles = {
        "vi": "Đăng nhập không thành công",
        "en": "This sign-in was refused",
    }


class SecondFactorNeeded(Problem):
    """Staff sign in with a second factor that their provider asserts (R7)."""

    status = HTTPStatus.FORBIDDEN
    slug = "identity/second-factor-needed"
    titles = {
        "vi": "Nhân viên phải đăng nhập bằng hai yếu tố",
        "en": "Staff have to sign in with a second factor",
    }


class ProfileAlreadyLinked(Problem):
    """Another account holds this person; it has been told (R1)."""

    status = HTTPStatus.CONFLICT
    slug = "identity/profile-already-linked"
    titles = {
        "vi": "Hồ sơ này đã gắn với một tài khoản khác",
        "en": "This person is linked to another account already",
    }


class AccountHasProfile(Problem):
    """This account is linked to another person."""

    status = HTTPStatus.CONFLICT
    slug = "identity/account-has-profile"
    titles = {
        "vi": "Tài khoản này đã gắn với một hồ sơ khác",
        "en": "This account is linked to another person already",
    }


class IdentityDisagrees(Problem):
    """The number is known with another name or birth; `fields` names which, never the values."""

    status = HTTPStatus.CONFLICT
    slug = "identity/identity-disagrees"
    titles = {
        "vi": "Thông tin trên giấy tờ không khớp với hồ sơ đã có",
        "en": "The document does not agree with what is known of this number",
    }


class ActivationCodeUnknown(Problem):
    """No open activation code is this one: mistyped, used, or older than 24 hours."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY
    slug = "identity/activation-code-unknown"
    titles = {
        "vi": "Mã kích hoạt không đúng hoặc đã hết hạn",
        "en": "This activation code is wrong or over",
    }


class IdentifierNotValid(Problem):
    """The number does not have the structure of its system."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY
    slug = "identity/identifier-not-valid"
    titles = {
        "vi": "Số giấy tờ không đúng cấu trúc",
        "en": "The number does not have the structure of its kind",
    }


class NoOwnProfile(Problem):
    """This account is not linked to a person yet."""

    status = HTTPStatus.NOT_FOUND
    slug = "identity/no-own-profile"
    titles = {
        "vi": "Tài khoản chưa gắn với hồ sơ nào",
        "en": "This account is not linked to a person yet",
    }


class PhoneProofRefused(Problem):
    """The token does not prove a phone number that was verified in the last ten minutes."""

    status = HTTPStatus.FORBIDDEN
    slug = "identity/phone-proof-refused"
    titles = {
        "vi": "Không xác minh được số điện thoại",
        "en": "The phone number is not proven",
    }


class WrongOrigin(Problem):
    """A request that a cookie signs has to come from this service's own page."""

    status = HTTPStatus.FORBIDDEN
    slug = "identity/wrong-origin"
    titles = {
        "vi": "Yêu cầu không đến từ trang của hệ thống",
        "en": "The request does not come from our page",
    }


class PageLocked(Problem):
    """Nobody touched the page for ten minutes: its session is over (R29)."""

    status = HTTPStatus.UNAUTHORIZED
    slug = "identity/page-locked"
    titles = {
        "vi": "Trang đã khóa vì lâu không dùng, hãy đăng nhập lại",
        "en": "The page was locked after a while without use, sign in again",
    }


class InvalidGrant(Problem):
    """RFC 6749 §5.2 `invalid_grant`: the refresh token is unknown, spent, expired or ended."""

    status = HTTPStatus.BAD_REQUEST
    slug = "identity/invalid-grant"
    titles = {
        "vi": "Mã làm mới không còn hiệu lực, hãy đăng nhập lại",
        "en": "The refresh token is of no use any more, sign in again",
    }

    def __init__(self) -> None:
        super().__init__(error="invalid_grant")


class InvalidClient(Problem):
    """RFC 6749 §5.2 `invalid_client`: the assertion does not prove a registered system (R6)."""

    status = HTTPStatus.UNAUTHORIZED
    slug = "identity/invalid-client"
    titles = {
        "vi": "Không xác thực được hệ thống gửi yêu cầu",
        "en": "The client assertion does not prove a registered system",
    }

    def __init__(self) -> None:
        super().__init__(error="invalid_client", headers={"WWW-Authenticate": "Bearer"})


class UnsupportedGrantType(Problem):
    """RFC 6749 §5.2 `unsupported_grant_type`."""

    status = HTTPStatus.BAD_REQUEST
    slug = "identity/unsupported-grant-type"
    titles = {
        "vi": "grant_type này không được hỗ trợ",
        "en": "This grant_type is not supported",
    }

    def __init__(self) -> None:
        super().__init__(error="unsupported_grant_type")


class InvalidScope(Problem):
    """RFC 6749 §5.2 `invalid_scope`: a system may ask for the scopes it was registered for."""

    status = HTTPStatus.BAD_REQUEST
    slug = "identity/invalid-scope"
    titles = {
        "vi": "Phạm vi yêu cầu không được phép",
        "en": "This scope may not be asked for",
    }

    def __init__(self) -> None:
        super().__init__(error="invalid_scope")
