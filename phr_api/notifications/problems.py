"""What can fail when somebody wants to be told."""

from http import HTTPStatus

from phr_api.kit.problems import Problem


class NotThisDevice(Problem):
    """A push token belongs to the device that this session is signed in on (R5)."""

    status = HTTPStatus.FORBIDDEN
    slug = "notifications/not-this-device"
    titles = {
        "vi": "Chỉ thiết bị đang đăng nhập mới đăng ký được",
        "en": "Only the signed-in device can register",
    }


class TooManyStreams(Problem):
    """Three open streams an account (R25): close one, or wait for one to end."""

    status = HTTPStatus.TOO_MANY_REQUESTS
    slug = "notifications/too-many-streams"
    titles = {
        "vi": "Quá nhiều kết nối cùng lúc",
        "en": "Too many streams at once",
    }


class WrongSmsCode(Problem):
    """No code that was sent to this account's number in the last ten minutes is this one."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY
    slug = "notifications/wrong-sms-code"
    titles = {
        "vi": "Mã không đúng hoặc đã hết hạn",
        "en": "The code is wrong or over",
    }


class SmsUnavailable(Problem):
    """The SMS with the code could not be handed over: ask for another one later."""

    status = HTTPStatus.SERVICE_UNAVAILABLE
    slug = "notifications/sms-unavailable"
    titles = {
        "vi": "Chưa gửi được tin nhắn SMS",
        "en": "No SMS can be sent now",
    }
