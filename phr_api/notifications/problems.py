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
