"""Money in VND. What we reckon with are whole đồng; what a hospital sent stays as it was sent."""

import re
from decimal import ROUND_HALF_UP, Decimal

AMOUNT = re.compile(r"[0-9]{1,15}(?:\.[0-9]{1,3})?")


def parse_vnd(text: str) -> Decimal:
    """Read an amount of a file: a decimal point, at most 3 decimals (QĐ 130). Raises ValueError."""
    amount = text.strip()
    if not AMOUNT.fullmatch(amount):
        raise ValueError("not an amount of money")
    return Decimal(amount)


def to_whole_vnd(amount: Decimal) -> int:
    """Return whole đồng; half a đồng counts up."""
    return int(amount.quantize(Decimal(1), ROUND_HALF_UP))


def format_vnd(amount: int) -> str:
    """Return it as it is written in Vietnam: `154.615 ₫`."""
    return f"{amount:,}".replace(",", ".") + " ₫"
