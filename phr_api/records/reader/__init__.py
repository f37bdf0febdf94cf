"""Hospitals' files: cut into visits while they stream, read, and turned into facts. See README.md.

Pure: no database, no web. A caller gets a value, VisitRefused or FileRefused, nothing else.
"""

from phr_api.records.reader.digest import content_digest
from phr_api.records.reader.interpreting import Reading, interpret
from phr_api.records.reader.reasons import FileRefused, Reason, VisitRefused
from phr_api.records.reader.signature import SignatureState, verify_signature, verify_stream
from phr_api.records.reader.splitting import (
    Envelope,
    FilePart,
    Limits,
    OpenedFile,
    VisitSegment,
    open_file,
)
from phr_api.records.reader.tables import ReadVisit, merge_visits, read_visit

__all__ = [
    "Envelope",
    "FilePart",
    "FileRefused",
    "Limits",
    "OpenedFile",
    "ReadVisit",
    "Reading",
    "Reason",
    "SignatureState",
    "VisitRefused",
    "VisitSegment",
    "content_digest",
    "interpret",
    "merge_visits",
    "open_file",
    "read_visit",
    "verify_signature",
    "verify_stream",
]
