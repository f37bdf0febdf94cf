"""What `errors` of a problem say about a member, in Vietnamese; the English is the schemas' own.

A `{}` stands for what our own validators fill in, a bound or the permitted words: never for what
a person sent.
"""

import re
from typing import Any

VIETNAMESE = {
    "Missing data for required field.": "Thiếu mục bắt buộc này.",
    "Field may not be null.": "Mục này không được để null.",
    "Invalid value.": "Giá trị không hợp lệ.",
    "Invalid type.": "Kiểu dữ liệu không đúng.",
    "Invalid input type.": "Kiểu dữ liệu không đúng.",
    "Unknown field.": "Không có mục này.",
    "Not a valid list.": "Phải là một danh sách.",
    "Not a valid string.": "Phải là một chuỗi chữ.",
    "Not a valid utf-8 string.": "Phải là chuỗi chữ UTF-8.",
    "Not a valid UUID.": "Phải là một UUID.",
    "Not a valid number.": "Phải là một số.",
    "Not a valid integer.": "Phải là một số nguyên.",
    "Number too large.": "Số quá lớn.",
    "Special numeric values (nan or infinity) are not permitted.": "Không nhận NaN hay vô cực.",
    "Not a valid boolean.": "Phải là true hoặc false (đúng hoặc sai).",
    "Not a valid mapping type.": "Phải là một đối tượng JSON.",
    "Not a valid date.": "Ngày không hợp lệ.",
    "Not a valid datetime.": "Thời điểm không hợp lệ.",
    "Not a valid time.": "Giờ không hợp lệ.",
    "Not a valid aware datetime.": "Thời điểm phải kèm múi giờ.",
    "Not a valid aware date.": "Ngày không hợp lệ.",
    "Not a valid aware time.": "Giờ không hợp lệ.",
    "Latitude and longitude come together.": "Vĩ độ và kinh độ phải đi cùng nhau.",
    "Must be one of: {}.": "Phải là một trong: {}.",
    "Must be greater than or equal to {} and less than or equal to {}.": "Phải từ {} đến {}.",
    "Must be greater than or equal to {}.": "Phải từ {} trở lên.",
    "Must be less than or equal to {}.": "Không được quá {}.",
    "Length must be between {} and {}.": "Độ dài phải từ {} đến {}.",
    "Length must be {}.": "Độ dài phải đúng {}.",
    "Shorter than minimum length {}.": "Ngắn hơn độ dài tối thiểu {}.",
    "Longer than maximum length {}.": "Dài quá {}.",
    "String does not match expected pattern.": "Chuỗi không đúng dạng đã quy định.",
    "Not a phone number like +84912345678.": "Phải là số điện thoại dạng +84912345678.",
    "phone-shape": "Phải là số điện thoại dạng +84912345678.",
    "White space alone is no value.": "Không được chỉ có khoảng trắng.",
    "Control characters are not accepted.": "Không nhận ký tự điều khiển.",
    "Not storable text.": "Có ký tự không lưu được.",
    "Not a line of text.": "Phải là một dòng chữ.",
    "Not a date of birth.": "Không phải ngày sinh hợp lệ.",
    "Not a date, a month or a year.": "Phải là ngày, tháng hoặc năm.",
    "Not a date like 1985, 1985-03 or 1985-03-02.": (
        "Phải là ngày dạng 1985, 1985-03 hoặc 1985-03-02."
    ),
    "Not a number with at most 4 decimals.": "Phải là số có nhiều nhất 4 chữ số thập phân.",
    "Not before 1900.": "Không được trước năm 1900.",
    "Needed for this kind.": "Loại này cần có mục này.",
    "Not for this kind.": "Loại này không có mục này.",
    "Needed for this pattern.": "Kiểu lặp này cần có mục này.",
    "Not for this pattern.": "Kiểu lặp này không có mục này.",
    "Each clientId once.": "Mỗi clientId chỉ một lần.",
    "Each person once.": "Mỗi người chỉ một lần.",
    "Either people, or person for a phone session.": (
        "Gửi people, hoặc person khi đăng nhập bằng điện thoại."
    ),
    "Either room or queueId.": "Chỉ gửi room hoặc queueId.",
    "Either scan or bookingId.": "Chỉ gửi scan hoặc bookingId.",
    "Either an exception or a schedule.": "Chỉ gửi một ngoại lệ hoặc một lịch.",
    "A choice has options, nothing else has.": "Chỉ câu hỏi lựa chọn (choice) mới có options.",
    "Two questions have one id.": "Hai câu hỏi trùng id.",
    "A category and channel twice.": "Một loại tin và kênh bị lặp.",
    "Before from.": "Trước ngày from.",
    "Before fromOn.": "Trước ngày fromOn.",
    "Before validFrom.": "Trước ngày validFrom.",
    "Must be after starts.": "Phải sau giờ bắt đầu (starts).",
    "Longer than the sitting.": "Dài hơn cả buổi khám.",
    "Today or later.": "Phải từ hôm nay trở đi.",
    "Not in the past.": "Không được ở quá khứ.",
    "Not a day to come.": "Không được là ngày chưa đến.",
    "Within 180 days, after fromOn.": "Phải sau fromOn, trong vòng 180 ngày.",
    "No such queue here.": "Cơ sở không có hàng đợi này.",
    "No such room here.": "Hàng đợi này không có phòng đó.",
    "Name one of this facility's queues.": "Hãy nêu một hàng đợi của cơ sở.",
    "A number is not of this block.": "Có số không thuộc lô này.",
    "Not a question of this service, or no answer.": (
        "Không phải câu hỏi của dịch vụ này, hoặc câu trả lời không hợp lệ."
    ),
    "Not what is held.": "Không khớp với chỗ đang giữ.",
    "No service of this facility.": "Cơ sở không có dịch vụ này.",
    "Not listed at this facility.": "Không có trong danh sách của cơ sở.",
    "Not listed here.": "Không có trong danh sách của cơ sở.",
    "No schedule of this facility.": "Cơ sở không có lịch này.",
    "Needed for extra hours.": "Giờ thêm cần có mục này.",
    "Extra hours need starts, and ends after it.": "Giờ thêm cần starts, và ends sau đó.",
    "Closed is the whole day.": "Nghỉ là nghỉ cả ngày.",
    "Cannot change.": "Không đổi được.",
}
_TEMPLATES = [
    (re.compile(re.escape(english).replace(r"\{\}", "(.+)"), re.DOTALL), vietnamese)
    for english, vietnamese in VIETNAMESE.items()
    if "{}" in english
]


def in_vietnamese(errors: Any) -> Any:
    """Return `errors` with each message that the catalogue knows in Vietnamese, else as it is."""
    if isinstance(errors, dict):
        return {name: in_vietnamese(value) for name, value in errors.items()}
    if isinstance(errors, list | tuple):
        return [in_vietnamese(value) for value in errors]
    return translated(errors) if isinstance(errors, str) else errors


def translated(message: str) -> str:
    """Return the Vietnamese of one message; itself when the catalogue has none."""
    if message in VIETNAMESE:
        return VIETNAMESE[message]
    for template, vietnamese in _TEMPLATES:
        filled = template.fullmatch(message)
        if filled:
            return vietnamese.format(*filled.groups())
    return message
