"""What can be wrong with a list that an operator loads."""

from http import HTTPStatus

from phr_api.kit.problems import Problem


class CodeListInvalid(Problem):
    """A file of codes or facilities has no such column, a double or an empty code."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY
    slug = "clinics/list-invalid"
    titles = {
        "vi": "Danh mục không hợp lệ, xem dòng và lý do",
        "en": "The list is not valid, see line and reason",
    }


class CodeListExists(Problem):
    """This version of the list is loaded already, with other words; give the new one a new name."""

    status = HTTPStatus.CONFLICT
    slug = "clinics/list-exists"
    titles = {
        "vi": "Phiên bản danh mục này đã có với nội dung khác",
        "en": "This version of the list is loaded already, with other words",
    }
