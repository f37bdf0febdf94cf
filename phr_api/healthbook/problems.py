"""What can be wrong with what a citizen enters, and when a feed has to start again."""

from http import HTTPStatus

from phr_api.kit.problems import Problem


class MeasurementImplausible(Problem):
    """No living person has this value; `errors` names place, kind, unit and the accepted range."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY
    slug = "healthbook/measurement-implausible"
    titles = {
        "vi": "Giá trị đo nằm ngoài khoảng có thể, hãy kiểm tra lại số và đơn vị",
        "en": "The measured value is outside the plausible range, check number and unit",
    }


class MeasurementUnitUnknown(Problem):
    """This kind of measurement is not given in this unit; `errors` lists the units."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY
    slug = "healthbook/measurement-unit-unknown"
    titles = {
        "vi": "Đơn vị không dùng cho loại đo này",
        "en": "This kind of measurement is not given in this unit",
    }


class MomentInFuture(Problem):
    """What was measured or noticed cannot lie in the future."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY
    slug = "healthbook/moment-in-future"
    titles = {
        "vi": "Thời điểm không được ở tương lai",
        "en": "The moment lies in the future",
    }


class EntryHidden(Problem):
    """The entry belongs to a sensitive class that the caller may not see, so may not write."""

    status = HTTPStatus.FORBIDDEN
    slug = "healthbook/entry-hidden"
    titles = {
        "vi": "Bạn không được ghi thông tin nhạy cảm vào hồ sơ này",
        "en": "You may not enter sensitive information into this record",
    }


class EntryOfAnother(Problem):
    """A carer changes and takes back only what they entered; the person themself may do both."""

    status = HTTPStatus.FORBIDDEN
    slug = "healthbook/entry-of-another"
    titles = {
        "vi": "Bạn chỉ được sửa hoặc xóa thông tin do chính bạn nhập vào hồ sơ này",
        "en": "You may change or take back only what you entered into this record yourself",
    }


class ChangesGone(Problem):
    """The cursor is older than the feed, or the view has grown: read the book, then start anew."""

    status = HTTPStatus.GONE
    slug = "healthbook/changes-gone"
    titles = {
        "vi": "Con trỏ đã quá cũ: tải lại toàn bộ sổ sức khỏe rồi bắt đầu lại",
        "en": "This cursor is too old: read the whole health book, then start again",
    }


class SectionUnknown(Problem):
    """`sections` names something that is no section of the book."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY
    slug = "healthbook/section-unknown"
    titles = {
        "vi": "Tham số sections có tên không tồn tại",
        "en": "`sections` names no section of the health book",
    }
