"""The words of every kind of news, in both languages.

Title and text are for the inbox, behind sign-in: `{name}` stands for a member of `params`. A push
is read on locked screens: it has no parameters, so it names nobody and nothing.
"""

from dataclasses import dataclass
from typing import Literal

Category = Literal[
    "booking", "reminder", "offer", "record", "correction", "access", "queue", "account"
]


@dataclass(frozen=True, slots=True)
class Text:
    """One kind of news in one language."""

    title: str
    text: str
    push: str


@dataclass(frozen=True, slots=True)
class Words:
    """A kind's category, which channels and preferences go by, and its words."""

    category: Category
    vi: Text
    en: Text


_BOOKING_PUSH_VI = "Lịch hẹn của bạn có thay đổi. Mở ứng dụng để xem."
_BOOKING_PUSH_EN = "One of your bookings has news. Open the app to see it."
_REMINDER_PUSH_VI = "Bạn có lịch hẹn sắp tới. Mở ứng dụng để xem."
_REMINDER_PUSH_EN = "You have a booking soon. Open the app to see it."
_RECORD_PUSH_VI = "Sổ sức khỏe có thông tin mới. Mở ứng dụng để xem."
_RECORD_PUSH_EN = "There is something new in the health book. Open the app to see it."


def _booking(title_vi: str, text_vi: str, title_en: str, text_en: str) -> Words:
    return Words(
        "booking",
        Text(title_vi, text_vi, _BOOKING_PUSH_VI),
        Text(title_en, text_en, _BOOKING_PUSH_EN),
    )


def _reminder(title_vi: str, text_vi: str, title_en: str, text_en: str) -> Words:
    return Words(
        "reminder",
        Text(title_vi, text_vi, _REMINDER_PUSH_VI),
        Text(title_en, text_en, _REMINDER_PUSH_EN),
    )


def _record(text_vi: str, text_en: str) -> Words:
    return Words(
        "record",
        Text("Sổ sức khỏe có thông tin mới", text_vi, _RECORD_PUSH_VI),
        Text("New in the health book", text_en, _RECORD_PUSH_EN),
    )


KINDS: dict[str, Words] = {
    "booking.requested": _booking(
        "Đã gửi yêu cầu đặt lịch",
        "{service} tại {facility}, {when}. Cơ sở sẽ xác nhận.",
        "Booking requested",
        "{service} at {facility}, {when}. The clinic will confirm.",
    ),
    "booking.confirmed": _booking(
        "Lịch hẹn đã được xác nhận",
        "{service} tại {facility}, {when}.",
        "Booking confirmed",
        "{service} at {facility}, {when}.",
    ),
    "booking.declined": _booking(
        "Lịch hẹn không được nhận",
        "{service} tại {facility}, {when}. Lý do: {reason}",
        "Booking declined",
        "{service} at {facility}, {when}. Reason: {reason}",
    ),
    "booking.proposed": _booking(
        "Cơ sở đề nghị giờ khác",
        "{service} tại {facility}: giờ mới {when}. Hãy trả lời trước {until}.",
        "The clinic proposes another time",
        "{service} at {facility}: now {when}. Please answer before {until}.",
    ),
    "booking.moved": _booking(
        "Lịch hẹn đã đổi giờ",
        "{service} tại {facility}, giờ mới {when}.",
        "Booking moved",
        "{service} at {facility}, now {when}.",
    ),
    "booking.cancelled": _booking(
        "Lịch hẹn đã hủy",
        "{service} tại {facility}, {when}.",
        "Booking cancelled",
        "{service} at {facility}, {when}.",
    ),
    "booking.cancelled-by-clinic": _booking(
        "Cơ sở đã hủy lịch hẹn",
        "{service} tại {facility}, {when}. Lý do: {reason}",
        "The clinic cancelled",
        "{service} at {facility}, {when}. Reason: {reason}",
    ),
    "booking.no-show": _booking(
        "Bạn đã không đến khám",
        "{service} tại {facility}, {when}.",
        "You did not come",
        "{service} at {facility}, {when}.",
    ),
    "offer.made": Words(
        "offer",
        Text(
            "Có chỗ trống cho bạn",
            "{service} tại {facility}, {when}. Giữ cho bạn đến {until}.",
            "Có chỗ trống cho lịch bạn đang chờ. Mở ứng dụng để nhận.",
        ),
        Text(
            "A seat is free for you",
            "{service} at {facility}, {when}. Kept for you until {until}.",
            "A seat that you wait for is free. Open the app to take it.",
        ),
    ),
    "reminder.day": _reminder(
        "Nhắc lịch hẹn ngày mai",
        "{service} tại {facility}, {when}.",
        "Your booking tomorrow",
        "{service} at {facility}, {when}.",
    ),
    "reminder.two-hours": _reminder(
        "Nhắc lịch hẹn sắp đến giờ",
        "{service} tại {facility}, {when}.",
        "Your booking soon",
        "{service} at {facility}, {when}.",
    ),
    "reminder.still-coming": _reminder(
        "Bạn vẫn đến khám chứ?",
        "{service} tại {facility}, {when}. Hãy trả lời để cơ sở giữ chỗ.",
        "Are you still coming?",
        "{service} at {facility}, {when}. Please answer.",
    ),
    "record.visit": _record(
        "{facility} đã gửi một lần khám.",
        "{facility} sent a visit.",
    ),
    "record.paper": _record(
        "{facility} đã gửi một giấy tờ.",
        "{facility} sent a paper.",
    ),
    "access.opened": Words(
        "access",
        Text(
            "Có người đã xem hồ sơ",
            "{who} đã mở hồ sơ lúc {when}.",
            "Có người đã xem hồ sơ sức khỏe. Mở ứng dụng để xem.",
        ),
        Text(
            "A record was opened",
            "{who} opened the record at {when}.",
            "Somebody opened a health record. Open the app to see who.",
        ),
    ),
    "access.emergency": Words(
        "access",
        Text(
            "Hồ sơ được mở khi cấp cứu",
            "{who} đã mở hồ sơ vì cấp cứu lúc {when}.",
            "Hồ sơ sức khỏe vừa được mở khẩn cấp. Mở ứng dụng để xem.",
        ),
        Text(
            "A record was opened in an emergency",
            "{who} opened the record for an emergency at {when}.",
            "A health record was opened in an emergency. Open the app to see it.",
        ),
    ),
    "correction.answered": Words(
        "correction",
        Text(
            "Đã có trả lời cho yêu cầu đính chính",
            "{facility} đã trả lời yêu cầu đính chính gửi ngày {when}.",
            "Đã có trả lời cho một yêu cầu của bạn. Mở ứng dụng để xem.",
        ),
        Text(
            "A correction was answered",
            "{facility} answered the correction that was asked for on {when}.",
            "One of your requests was answered. Open the app to see it.",
        ),
    ),
    "account.paper-expiring": Words(
        "account",
        Text(
            "Giấy tờ sắp hết hạn",
            "Giấy tờ của {facility} hết hạn ngày {when}.",
            "Có giấy tờ sắp hết hạn. Mở ứng dụng để xem.",
        ),
        Text(
            "A paper ends soon",
            "A paper of {facility} ends on {when}.",
            "A paper ends soon. Open the app to see it.",
        ),
    ),
    "account.card-expiring": Words(
        "account",
        Text(
            "Thẻ bảo hiểm y tế sắp hết hạn",
            "Thẻ hết hạn ngày {when}.",
            "Có thẻ sắp hết hạn. Mở ứng dụng để xem.",
        ),
        Text(
            "The insurance card ends soon",
            "The card ends on {when}.",
            "A card ends soon. Open the app to see it.",
        ),
    ),
    "queue.near": Words(
        "queue",
        Text(
            "Sắp đến lượt",
            "Số {label}, còn {ahead} người phía trước.",
            "Sắp đến lượt của bạn. Mở ứng dụng để xem.",
        ),
        Text(
            "Your turn is near",
            "Number {label}, {ahead} before you.",
            "Your turn is near. Open the app to see it.",
        ),
    ),
}

# the one SMS that has a parameter, and the one that a number gets which was not proven
SMS_CODE = {
    "vi": "Mã xác nhận số điện thoại: {code}. Hết hạn sau 10 phút. Không đưa mã cho ai.",
    "en": "Your code for this phone number: {code}. It ends in 10 minutes. Give it to nobody.",
}
