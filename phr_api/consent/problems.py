"""Why a record stays closed, where saying so reveals nothing."""

from http import HTTPStatus

from phr_api.kit.problems import Problem


class RecordSignInNeeded(Problem):
    """This session was not signed in at record level (R2)."""

    status = HTTPStatus.FORBIDDEN
    slug = "consent/record-sign-in-needed"
    titles = {
        "vi": "Cần đăng nhập bằng định danh điện tử để xem hồ sơ sức khỏe",
        "en": "Sign in with an electronic identity to open a health record",
    }


class CarerNotFound(Problem):
    """Number, name and birth of the child or of the carer do not agree with anybody known."""

    status = HTTPStatus.NOT_FOUND
    slug = "consent/carer-not-found"
    titles = {
        "vi": "Không tìm thấy người có số, tên và ngày sinh như vậy",
        "en": "Nobody with this number, name and birth was found",
    }


class NotAMinor(Problem):
    """A carer of a child is recorded until the child's 18th birthday, which has passed."""

    status = HTTPStatus.CONFLICT
    slug = "consent/not-a-minor"
    titles = {
        "vi": "Người này đã đủ 18 tuổi",
        "en": "This person is 18 or older",
    }


class AlreadyCarer(Problem):
    """This account is a carer of this person already."""

    status = HTTPStatus.CONFLICT
    slug = "consent/already-carer"
    titles = {
        "vi": "Người này đã là người chăm sóc của hồ sơ",
        "en": "This account is a carer of this person already",
    }
