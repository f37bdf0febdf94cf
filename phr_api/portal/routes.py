"""Serving the desk's page: one document and the files that it names, from this package.

The page may load scripts, styles and data from this origin only; nothing in it is inline.
"""

import hashlib
from pathlib import Path

from flask import Flask, Response, request

from phr_api.kit.problems import NotFound
from phr_api.kit.web import public

STATIC = Path(__file__).parent / "static"
PAGE = "desk.html"
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:;"
    " connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
TYPES = {
    ".html": "text/html",
    ".js": "text/javascript",
    ".css": "text/css",
    ".json": "application/json",
}
FILES = {path.name: path for path in STATIC.iterdir() if path.suffix in TYPES}


def register(app: Flask) -> None:
    """Add the page and its files to the application; both public, since they hold nothing."""
    app.add_url_rule("/desk", endpoint="portal.page", view_func=public(page))
    app.add_url_rule("/desk/<name>", endpoint="portal.asset", view_func=public(asset))


def page() -> Response:
    """The page; a sign-in comes back to it with its code in the address."""
    return _file(FILES[PAGE])


def asset(name: str) -> Response:
    """One of the page's files; NotFound for any other name."""
    if name not in FILES or name == PAGE:
        raise NotFound
    return _file(FILES[name])


def _file(path: Path) -> Response:
    """A file, asked for anew each time and sent only when it changed: no build, no old script."""
    body = path.read_bytes()
    response = Response(body, mimetype=TYPES[path.suffix])
    response.headers["Cache-Control"] = "no-cache"
    response.headers["Content-Security-Policy"] = POLICY
    response.headers["Referrer-Policy"] = "no-referrer"  # the code of a sign-in stays here
    response.headers["Cross-Origin-Opener-Policy"] = "same-origin"
    response.set_etag(hashlib.sha256(body).hexdigest()[:32])
    response.make_conditional(request)
    return response
