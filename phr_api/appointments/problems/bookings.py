"""What can be refused about holds, bookings and the waitlist."""

from http import HTTPStatus

from phr_api.kit.problems import Problem


class SlotFull(Problem):
    """Nobody can take a seat of this slot any more; `alternatives` are the nearest free ones."""

    status = HTTPStatus.CONFLICT
    slug = "appointments/slot-full"
    titles = {"vi": "Giờ này vừa hết chỗ", "en": "This time has just filled up"}


class SlotNotOpen(Problem):
    """The slot opens later, its time to book is over, or the clinic closed it; see `opensAt`."""

    status = HTTPStatus.CONFLICT
    slug = "appointments/slot-not-open"
    titles = {
        "vi": "Giờ này chưa mở hoặc đã đóng đặt chỗ",
        "en": "This time is not open for booking",
    }


class HoldExpired(Problem):
    """The hold ended, was released or was replaced by a newer one."""

    status = HTTPStatus.CONFLICT
    slug = "appointments/hold-expired"
    titles = {"vi": "Thời gian giữ chỗ đã hết", "en": "The hold has expired"}


class HoldExists(Problem):
    """Somebody else's hold, or an offer of the waitlist, is open for this person and service."""

    status = HTTPStatus.CONFLICT
    slug = "appointments/hold-exists"
    titles = {
        "vi": "Người này đang được giữ chỗ ở dịch vụ này",
        "en": "This person has a hold for this service already",
    }


class Overlapping(Problem):
    """One person, one place at a time; holds and proposals count."""

    status = HTTPStatus.CONFLICT
    slug = "appointments/overlapping"
    titles = {
        "vi": "Người này đã có lịch hẹn trùng giờ",
        "en": "This person has a booking at that time already",
    }


class QuotaReached(Problem):
    """The service's number of open bookings a person."""

    status = HTTPStatus.CONFLICT
    slug = "appointments/quota-reached"
    titles = {
        "vi": "Đã đủ số lịch hẹn cho phép với dịch vụ này",
        "en": "The number of open bookings for this service is reached",
    }


class TooEarly(Problem):
    """Nobody has missed a booking before it begins."""

    status = HTTPStatus.CONFLICT
    slug = "appointments/too-early"
    titles = {"vi": "Chưa đến giờ hẹn", "en": "The booking has not begun"}


class RoomLeft(Problem):
    """There is room on these days: a line is for times that are full; see `alternatives`."""

    status = HTTPStatus.CONFLICT
    slug = "appointments/room-left"
    titles = {"vi": "Những ngày này còn chỗ, hãy đặt ngay", "en": "There is room on these days"}


class StateChanged(Problem):
    """Somebody changed the booking first: `state`, `version` and `etag` are the current ones."""

    status = HTTPStatus.CONFLICT
    slug = "appointments/state-changed"
    titles = {"vi": "Lịch hẹn đã được thay đổi", "en": "The booking has changed"}


class WrongState(StateChanged):
    """A booking in this `state` does not allow that, whoever asks: trying again is of no use."""

    slug = "appointments/wrong-state"
    titles = {
        "vi": "Trạng thái này của lịch hẹn không cho phép việc đó",
        "en": "A booking in this state does not allow that",
    }


class SameTime(Problem):
    """The booking has this time already; nothing was changed."""

    status = HTTPStatus.CONFLICT
    slug = "appointments/same-time"
    titles = {
        "vi": "Lịch hẹn đã ở đúng giờ này",
        "en": "The booking is at this time already",
    }


class TooLate(Problem):
    """The booking has begun, or what was asked has been answered or ended."""

    status = HTTPStatus.CONFLICT
    slug = "appointments/too-late"
    titles = {"vi": "Đã quá giờ để làm việc này", "en": "It is too late for that"}


class AnswersNeeded(Problem):
    """The service asks questions that have to be answered before the visit."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY
    slug = "appointments/answers-needed"
    titles = {
        "vi": "Cần trả lời các câu hỏi trước khám",
        "en": "The questions of this service need answers",
    }


class NoWaitlist(Problem):
    """Nobody can wait for a time of this service; its free times can be booked."""

    status = HTTPStatus.CONFLICT
    slug = "appointments/no-waitlist"
    titles = {
        "vi": "Dịch vụ này không có danh sách chờ",
        "en": "This service has no waitlist",
    }


class OnWaitlist(Problem):
    """A person stands once in the line of a service."""

    status = HTTPStatus.CONFLICT
    slug = "appointments/on-waitlist"
    titles = {
        "vi": "Người này đã trong danh sách chờ",
        "en": "This person is on the waitlist already",
    }
