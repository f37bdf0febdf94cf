"""CHUKYDONVI: is the file signed, by whom a trusted authority knows, and as it lies here?

Read as an enveloped XML signature (XMLDSig). No signed file of a hospital was seen (vietnam.md
§1.2), so what is not plainly verified or plainly wrong is "present, not verified": never is a
signature called verified that was not.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Literal

from lxml import etree

from phr_api.records.reader.inflating import inflate
from phr_api.records.reader.layout import DS
from phr_api.records.reader.reasons import FileRefused

SignatureState = Literal["absent", "present-not-verified", "verified"]

# Verifying holds several trees of the file at once; above this it is left undone, and said so.
MOST_VERIFIED_BYTES = 64 * 1024 * 1024
MOST_INFLATED = 2 * MOST_VERIFIED_BYTES


def verify_signature(
    raw: bytes, trust_store: bytes | None, *, at: datetime, facility_code: str
) -> SignatureState:
    """Return what is known of the signature of a file (plain XML, inflated).

    `trust_store` are the authorities as PEM; without it nothing is verified. `at` is the moment at
    which certificates have to be valid. `facility_code` is whose file it is: a certificate whose
    subject does not name that code verifies nothing. A signature with objects of its own (XAdES) is
    not verified either. Raises FileRefused: `signature-wrong` when the file, or the
    part of it that holds visits, is not what was signed; `not-xml`.
    """
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, huge_tree=True, collect_ids=False
    )
    try:
        root = etree.fromstring(raw, parser)
    except (etree.XMLSyntaxError, ValueError):
        raise FileRefused("not-xml") from None
    place = root.find(".//{*}CHUKYDONVI")
    if place is None or (not len(place) and not (place.text or "").strip()):
        return "absent"
    signatures = list(root.iter(f"{DS}Signature"))
    if (
        trust_store is None
        or len(raw) > MOST_VERIFIED_BYTES
        or len(signatures) != 1
        or signatures[0].getparent() is not place
    ):
        return "present-not-verified"
    from phr_api.records.reader.xmldsig import verify  # noqa: PLC0415 - 100 ms, and rarely needed

    is_verified = verify(
        root, signatures[0], trust_store, at=at, facility_code=facility_code, parser=parser
    )
    return "verified" if is_verified else "present-not-verified"


def verify_stream(
    chunks: Iterable[bytes], trust_store: bytes, *, at: datetime, facility_code: str
) -> SignatureState:
    """Do the same with a file as it was sent (gzip or not) that is known to bear a signature.

    A file above 64 MiB inflated is not verified, and not gathered in memory.
    """
    whole = bytearray()
    for piece in inflate(chunks, MOST_INFLATED):
        whole += piece
        if len(whole) > MOST_VERIFIED_BYTES:
            return "present-not-verified"
    return verify_signature(bytes(whole), trust_store, at=at, facility_code=facility_code)
