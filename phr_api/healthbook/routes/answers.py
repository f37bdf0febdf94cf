"""Answers whose JSON the database made: bytes go out as they are, the schemas document them."""

import gzip
import json
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from uuid import UUID

from flask import Response, request
from sqlalchemy.orm import Session

from phr_api.consent import RecordScope, open_record
from phr_api.healthbook.queries import Line
from phr_api.identity import current_principal
from phr_api.kit import cursor
from phr_api.kit.compress import JSON, accepts_gzip, shrink
from phr_api.kit.db import unit_of_work
from phr_api.vocab import ProfileId


@contextmanager
def opened(profile_id: UUID, action: str) -> Generator[tuple[Session, RecordScope]]:
    """Give a transaction with this person's record open, or the problem that says why not."""
    with unit_of_work() as session:
        yield (
            session,
            open_record(session, current_principal(), ProfileId(profile_id), action=action),
        )


def raw(text: str, status: int = 200) -> Response:
    """Answer JSON text as it is."""
    return Response(text, status, mimetype=JSON)


def items(texts: Sequence[str], status: int = 200) -> Response:
    """Answer a whole list."""
    return raw(f'{{"items":[{",".join(texts)}]}}', status)


def page(lines: Sequence[Line], limit: int, kind: str) -> Response:
    """Answer a page of at most `limit` lines; one line more says that there is a next page."""
    shown = lines[:limit]
    more = len(lines) > limit
    following = cursor.encode(kind, shown[-1].sort, str(shown[-1].id)) if more else None
    texts = ",".join(line.json for line in shown)
    return raw(f'{{"items":[{texts}],"next":{json.dumps(following)}}}')


def start_of(kind: str, before: str | None) -> tuple[str, str] | None:
    """Return where a page begins by its cursor; InvalidCursor if it is none of this list."""
    if before is None:
        return None
    sort, id_ = cursor.decode(kind, before)
    return sort, id_


def packed(body: bytes, tag: str) -> Response:
    """Answer bytes that are gzip already, as they lie; unpacked for a caller who takes no gzip."""
    if accepts_gzip():
        headers = {"Content-Encoding": "gzip"} | _kept(tag)
        return Response(body, headers=headers, content_type=JSON)
    return Response(gzip.decompress(body), headers=_kept(tag), content_type=JSON)


def known(tag: str) -> Response:
    """Answer that the caller has the present one."""
    return Response(status=304, headers=_kept(tag))


def _kept(tag: str) -> dict[str, str]:
    """Headers of an answer that may be kept, and is asked about each time (R23)."""
    return {"ETag": f"W/{tag}", "Cache-Control": "private, no-cache"}


def known_tags() -> str:
    """Return the If-None-Match header, or ''."""
    return request.headers.get("If-None-Match", "")


def answer_by_body(body: bytes) -> Response:
    """Answer a view that is not the owner's full one: its tag is a keyed hash of what it shows."""
    tag = f'"{cursor.keyed_tag(body.decode())}"'
    if tag in known_tags():
        return known(tag)
    return shrink(Response(body, headers=_kept(tag), content_type=JSON))
