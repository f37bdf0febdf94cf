"""What can be wrong with a loaded list, and with what a desk says of its clinic."""

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


class FacilityListed(Problem):
    """The directory has a facility with this code; change that one."""

    status = HTTPStatus.CONFLICT
    slug = "clinics/facility-listed"
    titles = {
        "vi": "Cơ sở có mã này đã có trong danh mục",
        "en": "A facility with this code is listed already",
    }


class ServiceCodeTaken(Problem):
    """The facility has, or had, a service with this code."""

    status = HTTPStatus.CONFLICT
    slug = "clinics/service-code-taken"
    titles = {"vi": "Mã dịch vụ này đã có", "en": "This service code is taken"}


class PractitionerListed(Problem):
    """The facility lists, or listed, somebody with this licence number."""

    status = HTTPStatus.CONFLICT
    slug = "clinics/practitioner-listed"
    titles = {
        "vi": "Số giấy phép hành nghề này đã có trong danh sách",
        "en": "This licence number is listed already",
    }
