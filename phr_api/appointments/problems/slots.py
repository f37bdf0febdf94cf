"""What can be refused about schedules and slots."""

from http import HTTPStatus

from phr_api.kit.problems import Problem


class ScheduleInvalid(Problem):
    """A schedule or an exception says something that no day can be; `errors` says where."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY
    slug = "appointments/schedule-invalid"
    titles = {
        "vi": "Lịch khám không hợp lệ, xem errors",
        "en": "The schedule is not valid, see errors",
    }


class RangeTooLong(Problem):
    """More days were asked for at once than are answered."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY
    slug = "appointments/range-too-long"
    titles = {"vi": "Khoảng ngày quá dài", "en": "The range of days is too long"}
