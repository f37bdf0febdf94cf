"""RFC 9457 problems, a closed catalogue. No web framework here: services and jobs raise these."""

from http import HTTPStatus
from typing import Any, ClassVar, Literal

from phr_api.kit.field_messages import in_vietnamese

Language = Literal["vi", "en"]


class Problem(Exception):
    """One kind of failure a client can act on; subclasses are the catalogue.

    `slug` never changes once released. `extensions` are typed members of the answer; they never
    hold a value that a person sent.
    """

    status: ClassVar[HTTPStatus] = HTTPStatus.BAD_REQUEST
    slug: ClassVar[str]
    titles: ClassVar[dict[Language, str]]

    def __init__(self, *, headers: dict[str, str] | None = None, **extensions: Any) -> None:
        super().__init__(self.slug)
        self.headers = headers or {}
        self.extensions = extensions

    def to_dict(self, language: Language) -> dict[str, Any]:
        """Return the members of RFC 9457 §3.1, title and messages in that language."""
        members = {
            "type": f"/problems/{self.slug}",
            "title": self.titles[language],
            "status": int(self.status),
        } | self.extensions
        if language == "vi" and "errors" in members:
            members["errors"] = in_vietnamese(members["errors"])
        return members


class NotFound(Problem):
    """There is no such resource, or the caller may not know of it."""

    status = HTTPStatus.NOT_FOUND
    slug = "not-found"
    titles = {"vi": "Không tìm thấy", "en": "There is no such resource"}


class NotSignedIn(Problem):
    """The access token is missing, expired, revoked or not ours."""

    status = HTTPStatus.UNAUTHORIZED
    slug = "not-signed-in"
    titles = {
        "vi": "Cần đăng nhập: gửi mã truy cập còn hiệu lực",
        "en": "Send a valid access token",
    }

    def __init__(self, **extensions: Any) -> None:
        super().__init__(headers={"WWW-Authenticate": "Bearer"}, **extensions)


class NotAllowed(Problem):
    """The caller is known, and this kind of caller may not do it."""

    status = HTTPStatus.FORBIDDEN
    slug = "not-allowed"
    titles = {"vi": "Bạn không có quyền làm việc này", "en": "You may not do this"}


class MalformedRequest(Problem):
    """The request is not HTTP or JSON as it should be."""

    status = HTTPStatus.BAD_REQUEST
    slug = "malformed-request"
    titles = {
        "vi": "Yêu cầu không đọc được, chẳng hạn JSON viết sai",
        "en": "The request cannot be read, its JSON is broken perhaps",
    }


class MethodNotAllowed(Problem):
    """The resource does not answer to this method; Allow says which."""

    status = HTTPStatus.METHOD_NOT_ALLOWED
    slug = "method-not-allowed"
    titles = {
        "vi": "Địa chỉ này không nhận phương thức đó",
        "en": "This resource does not answer to that method",
    }


class BodyTooLarge(Problem):
    """The body is larger than this operation takes."""

    status = HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    slug = "body-too-large"
    titles = {"vi": "Nội dung gửi lên quá lớn", "en": "The body is too large"}


class UnsupportedMediaType(Problem):
    """The body is not of a documented content type."""

    status = HTTPStatus.UNSUPPORTED_MEDIA_TYPE
    slug = "unsupported-media-type"
    titles = {
        "vi": "Kiểu nội dung (Content-Type) không được nhận",
        "en": "This Content-Type is not accepted here",
    }


class VersionMissing(Problem):
    """A change needs If-Match with the ETag of the version that was read (RFC 6585 §3)."""

    status = HTTPStatus.PRECONDITION_REQUIRED
    slug = "version-missing"
    titles = {
        "vi": "Thiếu If-Match: hãy gửi ETag của bản đã đọc",
        "en": "Send If-Match with the ETag of the version you read",
    }


class StaleVersion(Problem):
    """If-Match names a version that is no longer the current one."""

    status = HTTPStatus.PRECONDITION_FAILED
    slug = "stale-version"
    titles = {
        "vi": "Dữ liệu đã được người khác thay đổi, hãy tải lại",
        "en": "Someone changed this resource since you read it",
    }


class InvalidRequest(Problem):
    """The request does not have the documented shape; `errors` says where."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY
    slug = "invalid-request"
    titles = {
        "vi": "Dữ liệu gửi lên chưa đúng, xem mục errors",
        "en": "The request is not as documented, see errors",
    }


class InvalidCursor(Problem):
    """The cursor was not made by this API for this list."""

    status = HTTPStatus.BAD_REQUEST
    slug = "invalid-cursor"
    titles = {
        "vi": "Con trỏ trang không hợp lệ, hãy bắt đầu lại từ đầu",
        "en": "This cursor is not one of ours, start again without it",
    }


class IdempotencyKeyMissing(Problem):
    """A POST that creates needs an Idempotency-Key header."""

    status = HTTPStatus.BAD_REQUEST
    slug = "idempotency-key-missing"
    titles = {
        "vi": "Thiếu tiêu đề Idempotency-Key",
        "en": "Send an Idempotency-Key header",
    }


class IdempotencyKeyReused(Problem):
    """The same Idempotency-Key came with another body."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY
    slug = "idempotency-key-reused"
    titles = {
        "vi": "Idempotency-Key này đã dùng cho một yêu cầu khác",
        "en": "This Idempotency-Key was used with another body",
    }


class RequestInProgress(Problem):
    """The same Idempotency-Key is being worked on right now."""

    status = HTTPStatus.CONFLICT
    slug = "request-in-progress"
    titles = {
        "vi": "Yêu cầu này đang được xử lý, hãy thử lại sau giây lát",
        "en": "The same request is in progress, try again in a moment",
    }

    def __init__(self) -> None:
        super().__init__(headers={"Retry-After": "1"})


class AppTooOld(Problem):
    """X-App-Version is below the oldest supported version."""

    status = HTTPStatus.UPGRADE_REQUIRED
    slug = "app-too-old"
    titles = {
        "vi": "Phiên bản ứng dụng quá cũ, hãy cập nhật",
        "en": "This version of the app is too old, please update",
    }

    def __init__(self, **extensions: Any) -> None:
        # RFC 9110 §15.5.22: 426 must name what to upgrade to
        super().__init__(headers={"Upgrade": "phr-app"}, **extensions)


class TooManyRequests(Problem):
    """A limit was reached; Retry-After says for how long."""

    status = HTTPStatus.TOO_MANY_REQUESTS
    slug = "too-many-requests"
    titles = {
        "vi": "Quá nhiều yêu cầu, hãy thử lại sau",
        "en": "Too many requests, try again later",
    }

    def __init__(self, *, retry_after_seconds: int) -> None:
        super().__init__(headers={"Retry-After": str(retry_after_seconds)})


class BodyTooSlow(Problem):
    """The body did not arrive in time (RFC 9110 §15.5.9)."""

    status = HTTPStatus.REQUEST_TIMEOUT
    slug = "body-too-slow"
    titles = {"vi": "Gửi dữ liệu quá chậm", "en": "The request body did not arrive in time"}


class NotReady(Problem):
    """The service cannot answer just now: the database is away or busy."""

    status = HTTPStatus.SERVICE_UNAVAILABLE
    slug = "not-ready"
    titles = {"vi": "Dịch vụ tạm thời chưa sẵn sàng", "en": "The service is not ready"}

    def __init__(self, **extensions: Any) -> None:
        super().__init__(headers={"Retry-After": "1"}, **extensions)


class UnexpectedFailure(Problem):
    """Our fault; the request id finds it in the log."""

    status = HTTPStatus.INTERNAL_SERVER_ERROR
    slug = "unexpected-failure"
    titles = {"vi": "Lỗi hệ thống", "en": "Something failed on our side"}
