"""Makes files as a hospital makes them (QĐ 3176), for the demo data."""

import base64
from collections.abc import Iterable, Mapping, Sequence
from xml.sax.saxutils import escape

Row = Mapping[str, str]
Tables = Mapping[str, Sequence[Row]]

# root, list and row element of each table; a table with one row has its fields under the root
SHAPES = {
    "XML1": ("TONG_HOP", "", ""),
    "XML2": ("CHITIEU_CHITIET_THUOC", "DSACH_CHI_TIET_THUOC", "CHI_TIET_THUOC"),
    "XML3": ("CHITIEU_CHITIET_DVKT_VTYT", "DSACH_CHI_TIET_DVKT", "CHI_TIET_DVKT"),
    "XML4": ("CHITIEU_CHITIET_DICHVUCANLAMSANG", "DSACH_CHI_TIET_CLS", "CHI_TIET_CLS"),
    "XML5": (
        "CHITIEU_CHITIET_DIENBIENLAMSANG",
        "DSACH_CHI_TIET_DIEN_BIEN_BENH",
        "CHI_TIET_DIEN_BIEN_BENH",
    ),
    "XML7": ("CHI_TIEU_DU_LIEU_GIAY_RA_VIEN", "", ""),
    "XML8": ("CHI_TIEU_DU_LIEU_TOM_TAT_HO_SO_BENH_AN", "", ""),
    "XML11": (
        "CHI_TIEU_DU_LIEU_GIAY_CHUNG_NHAN_NGHI_VIEC_HUONG_BAO_HIEM_XA_HOI",
        "",
        "",
    ),
    "XML13": ("CHI_TIEU_GIAYCHUYENTUYEN", "", ""),
    "XML14": ("CHI_TIEU_GIAYHEN_KHAMLAI", "", ""),
}


def make_file(facility: str, made_on: str, visits: Iterable[Tables]) -> bytes:
    """Return an envelope with these visits; `made_on` is yyyymmdd."""
    records = [_visit(tables) for tables in visits]
    return (
        '<?xml version="1.0" encoding="utf-8"?>\n<GIAMDINHHS>\n'
        f"  <THONGTINDONVI><MACSKCB>{facility}</MACSKCB></THONGTINDONVI>\n"
        f"  <THONGTINHOSO>\n    <NGAYLAP>{made_on}</NGAYLAP>\n"
        f"    <SOLUONGHOSO>{len(records)}</SOLUONGHOSO>\n"
        f"    <DANHSACHHOSO>\n{''.join(records)}    </DANHSACHHOSO>\n"
        "  </THONGTINHOSO>\n  <CHUKYDONVI/>\n</GIAMDINHHS>\n"
    ).encode()


def _visit(tables: Tables) -> str:
    files = "".join(
        f"        <FILEHOSO><LOAIHOSO>{name}</LOAIHOSO><NOIDUNGFILE>{_table(name, rows)}"
        "</NOIDUNGFILE></FILEHOSO>\n"
        for name, rows in tables.items()
    )
    return f"      <HOSO>\n{files}      </HOSO>\n"


def _table(name: str, rows: Sequence[Row]) -> str:
    root, listing, row_name = SHAPES[name]
    if listing:
        body = "".join(f"<{row_name}>{_fields(row)}</{row_name}>" for row in rows)
        body = f"<{listing}>{body}</{listing}>"
    else:
        body = _fields(rows[0])
    text = f'<?xml version="1.0" encoding="utf-8"?><{root}>{body}</{root}>'
    return base64.b64encode(text.encode()).decode()


def _fields(row: Row) -> str:
    return "".join(
        f"<{name}>{escape(value)}</{name}>" if value else f"<{name}/>"
        for name, value in row.items()
    )
