"""Why a file or a visit is refused: where, which rule, what was expected, never what was there."""

from dataclasses import dataclass
from typing import Any, Literal

Language = Literal["vi", "en"]

FILE_MESSAGES = {
    "not-xml": ("Tệp không phải là XML hợp lệ", "The file is not well-formed XML"),
    "truncated": ("Tệp bị cắt cụt, chưa đến thẻ đóng", "The file ends before its closing tag"),
    "broken-gzip": ("Không giải nén được tệp gzip", "The gzip file cannot be unpacked"),
    "wrong-encoding": ("Tệp không ở mã hóa UTF-8", "The file is not in UTF-8"),
    "dtd-forbidden": (
        "Tệp chứa DTD hoặc khai báo thực thể, không được chấp nhận",
        "The file holds a DTD or entity declaration, which is not accepted",
    ),
    "inflated-too-large": (
        "Tệp quá lớn sau khi giải nén",
        "The file is too large once it is unpacked",
    ),
    "remainder-too-large": (
        "Phần nằm ngoài các hồ sơ của tệp quá lớn",
        "What lies between the visits of the file is too large",
    ),
    "visit-too-large": (
        "Một hồ sơ trong tệp quá lớn",
        "One visit of the file is too large",
    ),
    "too-many-visits": ("Tệp có quá nhiều hồ sơ", "The file has too many visits"),
    "no-visits": ("Tệp không có hồ sơ nào", "The file has no visit"),
    "wrong-root": (
        "Phần tử gốc không phải là của chuẩn dữ liệu đầu ra (GIAMDINHHS)",
        "The root element is not one of the output standard (GIAMDINHHS)",
    ),
    "facility-mismatch": (
        "Mã cơ sở trong tệp khác với cơ sở gửi",
        "The facility code in the file is not that of the sender",
    ),
    "signature-wrong": (
        "Chữ ký số của tệp không đúng",
        "The digital signature of the file is wrong",
    ),
}

VISIT_MESSAGES = {
    "visit-not-xml": ("Hồ sơ không phải là XML hợp lệ", "The visit is not well-formed XML"),
    "broken-base64": ("Nội dung Base64 bị hỏng", "The Base64 content is broken"),
    "table-not-xml": ("Bảng không phải là XML hợp lệ", "The table is not well-formed XML"),
    "wrong-encoding": ("Bảng không ở mã hóa UTF-8", "The table is not in UTF-8"),
    "table-too-large": ("Bảng quá lớn", "The table is too large"),
    "too-many-cells": (
        "Một dòng có quá nhiều phần tử, hoặc các dòng lồng nhau",
        "A row has too many elements, or rows lie in rows",
    ),
    "too-many-tables": ("Hồ sơ có quá nhiều bảng", "The visit has too many tables"),
    "empty-table": ("Bảng không có nội dung", "The table has no content"),
    "unknown-table": ("Loại bảng không rõ", "The kind of table is not known"),
    "dtd-forbidden": (
        "Bảng chứa DTD hoặc khai báo thực thể, không được chấp nhận",
        "The table holds a DTD or entity declaration, which is not accepted",
    ),
    "foreign-table": (
        "Dòng thuộc hồ sơ khác (MA_LK khác với XML1)",
        "The row belongs to another visit (its MA_LK is not that of XML1)",
    ),
    "duplicate-table": ("Bảng lặp lại trong một hồ sơ", "The table comes twice in one visit"),
    "several-rows": ("Bảng tổng hợp chỉ được có một dòng", "The summary may have one row only"),
    "no-tables": ("Hồ sơ không có bảng nào", "The visit has no table"),
    "no-summary": ("Thiếu bảng tổng hợp XML1", "The summary, XML1, is missing"),
    "facility-mismatch": (
        "Mã cơ sở của hồ sơ khác với cơ sở gửi",
        "The facility code of the visit is not that of the sender",
    ),
    "required-missing": ("Thiếu trường bắt buộc", "A required field is missing"),
    "date-shape": ("Ngày giờ không đúng định dạng", "The date or time has no accepted format"),
    "date-order": (
        "Ngày ra trước ngày vào",
        "The end of the visit comes before its beginning",
    ),
    "visit-in-future": ("Ngày vào ở tương lai", "The visit begins in the future"),
    "birth-in-future": ("Ngày sinh ở tương lai", "The birth date lies in the future"),
    "birth-after-visit": (
        "Ngày sinh sau ngày vào",
        "The birth date lies after the beginning of the visit",
    ),
    "citizen-number-shape": (
        "Số định danh phải có 12 chữ số (hoặc CMND 9 chữ số, hoặc hộ chiếu)",
        "A citizen number has 12 digits (an old one 9; or a passport number)",
    ),
    "citizen-number-place": (
        "Ba chữ số đầu của số định danh không phải mã tỉnh hay quốc gia",
        "The first three digits of the citizen number are no province or country",
    ),
    "citizen-number-century": (
        "Chữ số thứ tư của số định danh chưa được dùng",
        "The fourth digit of the citizen number is not in use yet",
    ),
    "text-too-long": ("Trường quá dài", "The field is too long"),
    # only ever warnings
    "unknown-element": ("Phần tử không có trong chuẩn", "The element is not in the standard"),
    "number-shape": ("Số không đúng định dạng", "The number has no accepted format"),
    "card-shape": ("Số thẻ BHYT không đúng định dạng", "The card number has no accepted format"),
    "phone-shape": ("Số điện thoại không đúng định dạng", "The phone has no accepted format"),
    "person-number-of-another": (
        "Số định danh là của người khác (mẹ hoặc người thân), không ghi cho người bệnh này",
        "The citizen number is another's (the mother's or a relative's), not kept as the patient's",
    ),
    "person-number-year": (
        "Năm sinh khác với năm sinh trong số định danh",
        "The birth year is not that in the citizen number",
    ),
    "person-number-sex": (
        "Giới tính khác với giới tính trong số định danh",
        "The sex is not that in the citizen number",
    ),
    "person-number-unknown": (
        "Loại giấy tờ không nhận dạng được",
        "The kind of personal number is not known",
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """One thing that is wrong. `row` counts from 1 within the table."""

    code: str
    table: str | None = None
    row: int | None = None
    element: str | None = None
    expected: str | None = None
    received_shape: str | None = None

    @property
    def message_vi(self) -> str:
        """The rule in Vietnamese."""
        return VISIT_MESSAGES[self.code][0]

    @property
    def message_en(self) -> str:
        """The rule in English."""
        return VISIT_MESSAGES[self.code][1]

    def to_dict(self) -> dict[str, Any]:
        """Return it as it is stored, shown and printed."""
        return {
            "table": self.table,
            "row": self.row,
            "element": self.element,
            "code": self.code,
            "expected": self.expected,
            "received": self.received_shape,
            "message": {"vi": self.message_vi, "en": self.message_en},
        }


class VisitRefused(Exception):
    """The visit cannot be entered. `reasons` are all that were found; MA_LK and MA_BN if known."""

    def __init__(
        self, reasons: list[Reason], *, ma_lk: str | None = None, ma_bn: str | None = None
    ) -> None:
        super().__init__(", ".join(sorted({reason.code for reason in reasons})))
        self.reasons = reasons
        self.ma_lk = ma_lk
        self.ma_bn = ma_bn


class FileRefused(Exception):
    """The file cannot be read as a whole; `at` is the byte (inflated) where that was seen."""

    def __init__(self, code: str, *, at: int | None = None) -> None:
        super().__init__(code)
        self.code = code
        self.at = at

    @property
    def message(self) -> dict[str, str]:
        """The rule in both languages."""
        vi, en = FILE_MESSAGES[self.code]
        return {"vi": vi, "en": en}


KINDS = (
    ("digits", str.isdigit),
    ("letters", str.isalpha),
    ("letters and digits", str.isalnum),
)


def shape_of(text: str) -> str:
    """Describe a value without telling it: `11 digits`, `8 letters and digits`, `23 characters`."""
    kind = next((name for name, is_kind in KINDS if is_kind(text)), "characters")
    if not text:
        return "nothing"
    return f"{len(text)} {kind}"
