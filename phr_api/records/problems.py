"""Why a file or an order is not taken."""

from http import HTTPStatus

from phr_api.kit.problems import Problem


class FileTooLarge(Problem):
    """A file is at most 50 MiB as sent; split it by visits."""

    status = HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    slug = "records/file-too-large"
    titles = {
        "vi": "Tệp lớn hơn 50 MiB, hãy chia theo hồ sơ",
        "en": "The file is larger than 50 MiB, split it by visits",
    }


class FileIncomplete(Problem):
    """Fewer bytes arrived than Content-Length announced."""

    status = HTTPStatus.BAD_REQUEST
    slug = "records/file-incomplete"
    titles = {
        "vi": "Tệp chưa được gửi hết, hãy gửi lại",
        "en": "The file did not arrive in full, send it again",
    }


class FileEmpty(Problem):
    """The body holds no bytes."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY
    slug = "records/file-empty"
    titles = {"vi": "Tệp rỗng", "en": "The file is empty"}


class FileInProgress(Problem):
    """The same bytes from this facility wait or are being processed; `submissionId` names them."""

    status = HTTPStatus.CONFLICT
    slug = "records/file-in-progress"
    titles = {
        "vi": "Tệp này đang được xử lý",
        "en": "The same file is being processed already",
    }


class TooManyDisagreements(Problem):
    """Too many visits of this sender disagreed with known numbers today (R11, R24)."""

    status = HTTPStatus.TOO_MANY_REQUESTS
    slug = "records/too-many-disagreements"
    titles = {
        "vi": "Hôm nay có quá nhiều hồ sơ không khớp nhân thân, hãy kiểm tra dữ liệu nguồn",
        "en": "Too many visits disagreed with known numbers today, check their source",
    }

    def __init__(self, *, retry_after_seconds: int) -> None:
        super().__init__(headers={"Retry-After": str(retry_after_seconds)})


class VisitNotCurrent(Problem):
    """The visit was withdrawn, or waits for a decision and is in nobody's book."""

    status = HTTPStatus.CONFLICT
    slug = "records/visit-not-current"
    titles = {
        "vi": "Hồ sơ này không còn hiệu lực trong sổ sức khỏe của ai",
        "en": "This visit is not in anybody's book now",
    }


class ReviewDecided(Problem):
    """This review has been decided, or a newer file settled it."""

    status = HTTPStatus.CONFLICT
    slug = "records/review-decided"
    titles = {
        "vi": "Hồ sơ này đã được xác định nhân thân",
        "en": "This review has been decided already",
    }


class OrderWaiting(Problem):
    """An earlier order about this visit is not carried out yet."""

    status = HTTPStatus.CONFLICT
    slug = "records/order-waiting"
    titles = {
        "vi": "Một yêu cầu trước về hồ sơ này chưa thực hiện xong",
        "en": "An earlier order about this visit is being carried out",
    }

    def __init__(self) -> None:
        super().__init__(headers={"Retry-After": "1"})


class PeriodTooLong(Problem):
    """Totals are given for at most 366 days, `from` not after `to`."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY
    slug = "records/period-too-long"
    titles = {
        "vi": "Khoảng ngày không hợp lệ hoặc dài hơn 366 ngày",
        "en": "The period is not valid or longer than 366 days",
    }
