"""The invented people of development: whom the local provider signs in and the seed writes about.

Names, numbers (serials 000000 to 000099) and facilities (99001) belong to nobody.
"""

from dataclasses import dataclass, field
from datetime import date
from typing import Literal

Audience = Literal["citizen", "staff"]

FACILITY = "99001"


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoPerson:
    """`subject` is the provider's `sub`; a child has none, since children do not sign in."""

    subject: str
    name: str
    audience: Audience = "citizen"
    born_on: date | None = None
    citizen_number: str | None = None
    sex: Literal["male", "female"] = "female"
    memberships: tuple[tuple[str, str], ...] = field(default=())
    label: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoSystem:
    """A hospital's software, bound to its facilities."""

    name: str
    facility_codes: tuple[str, ...]


CITIZEN = DemoPerson(
    subject="demo-citizen",
    name="Nguyễn Thị Thử Nghiệm",
    born_on=date(1990, 2, 28),
    citizen_number="001190000000",
    label="Người dân",
)
CARER = DemoPerson(
    subject="demo-carer",
    name="Trần Văn Thử Nghiệm",
    born_on=date(1988, 6, 15),
    citizen_number="001088000001",
    sex="male",
    label="Người dân, có con nhỏ",
)
CHILD = DemoPerson(
    subject="",
    name="Trần Thị Bé Thử",
    born_on=date(2020, 5, 20),
    citizen_number="001320000002",
    label="Con của người trên",
)
DESK = DemoPerson(
    subject="demo-desk",
    name="Lê Thị Quầy Thử",
    audience="staff",
    memberships=((FACILITY, "desk"),),
    label="Nhân viên tiếp đón",
)
DOCTOR = DemoPerson(
    subject="demo-doctor",
    name="Phạm Văn Bác Thử",
    audience="staff",
    sex="male",
    memberships=((FACILITY, "doctor"),),
    label="Bác sĩ",
)
SYSTEM = DemoSystem(name="Phần mềm bệnh viện thử", facility_codes=(FACILITY,))

PEOPLE = (CITIZEN, CARER, DESK, DOCTOR)
