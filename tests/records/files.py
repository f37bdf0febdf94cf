"""Small files for tests of intake: one visit in the fewest words, an envelope around visits."""

import itertools
from io import BytesIO

from phr_api.commands.demo_claims import Tables, make_file
from tests.factories.people import NAME, new_number

FACILITY = "99001"
_counter = itertools.count(1)


def new_key() -> str:
    """Return a MA_LK that no other call of this process returned."""
    return f"TEST.{next(_counter):06}"


def a_visit(
    key: str | None = None,
    *,
    number: str | None = None,
    name: str = NAME,
    born: str = "199002280000",
    results: tuple[tuple[str, str], ...] = (("Glucose", "5.4"),),
    **fields: str,
) -> dict[str, list[dict[str, str]]]:
    """Return the tables of a visit; `fields` replace those of the summary."""
    key = key or new_key()
    summary = {
        "MA_LK": key,
        "STT": "1",
        "MA_BN": f"BN-{key}",
        "HO_TEN": name,
        "SO_CCCD": new_number() if number is None else number,
        "NGAY_SINH": born,
        "GIOI_TINH": "2",
        "LY_DO_VV": "Đau đầu",
        "CHAN_DOAN_RV": "Tăng huyết áp vô căn",
        "MA_BENH_CHINH": "I10",
        "MA_DOITUONG_KCB": "1.1",
        "NGAY_VAO": "202610050820",
        "NGAY_RA": "202610051030",
        "KET_QUA_DTRI": "2",
        "MA_LOAI_RV": "1",
        "MA_LOAI_KCB": "01",
        "MA_CSKCB": FACILITY,
        "T_TONGCHI_BV": "154615.00",
    } | fields
    tables = {"XML1": [summary]}
    if results:
        tables["XML4"] = [
            {
                "MA_LK": key,
                "STT": str(place),
                "MA_DICH_VU": "23.0075.1494",
                "TEN_CHI_SO": test,
                "GIA_TRI": value,
                "NGAY_KQ": "202610051005",
            }
            for place, (test, value) in enumerate(results, start=1)
        ]
    return tables


def key_of(visit: Tables) -> str:
    return visit["XML1"][0]["MA_LK"]


def a_file(*visits: Tables, facility: str = FACILITY) -> bytes:
    """Return an envelope with these visits."""
    return make_file(facility, "20261005", visits)


def stream(file: bytes) -> BytesIO:
    return BytesIO(file)
