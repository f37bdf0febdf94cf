"""What can be refused about the line."""

from http import HTTPStatus

from phr_api.kit.problems import Problem


class NothingToday(Problem):
    """The code or card is of nobody who is expected here today."""

    status = HTTPStatus.NOT_FOUND
    slug = "appointments/nothing-today"
    titles = {"vi": "Không có lịch hẹn hôm nay tại đây", "en": "No booking here today"}


class ScanUnreadable(Problem):
    """The scan is neither a booking's code nor a citizen card's."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY
    slug = "appointments/scan-unreadable"
    titles = {"vi": "Không đọc được mã quét", "en": "The scan cannot be read"}


class DayClosed(Problem):
    """The desk has closed this day; undoing that opens it again."""

    status = HTTPStatus.CONFLICT
    slug = "appointments/day-closed"
    titles = {"vi": "Ngày này đã được đóng", "en": "This day is closed"}


class TicketChanged(Problem):
    """Somebody was quicker; `state`, `version` and `etag` are what the ticket has now."""

    status = HTTPStatus.CONFLICT
    slug = "appointments/ticket-changed"
    titles = {"vi": "Số này đã được thay đổi", "en": "This number has changed"}


class DayOver(Problem):
    """Of a day that is over nothing changes any more; `state` is what it stays."""

    status = HTTPStatus.CONFLICT
    slug = "appointments/day-over"
    titles = {"vi": "Ngày này đã qua", "en": "This day is over"}
