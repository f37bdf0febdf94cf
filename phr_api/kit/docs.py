"""The documentation: Swagger UI at /docs from files of this machine, no CDN; the problems.

The page may load scripts, styles and data from this origin only, and runs no inline script.
"""

import importlib.util
from collections.abc import Callable
from html import escape
from pathlib import Path
from string import Template

from flask import Flask, Response, jsonify, request

from phr_api.kit.catalogue import all_problems, describe
from phr_api.kit.problems import NotFound, Problem

PAGES = Path(__file__).parent / "pages"
OURS = frozenset({"docs.js"})
SWAGGER_UI = frozenset({"swagger-ui.css", "swagger-ui-bundle.js", "favicon-32x32.png"})
# Swagger UI sets style attributes and data: images; it needs neither eval nor inline script.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline';"
    " img-src 'self' data:; connect-src 'self';"
    " base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
DAY_SECONDS = 24 * 3600
TYPES = {".js": "text/javascript", ".css": "text/css", ".png": "image/png"}


def register(app: Flask) -> None:
    """Add GET /docs, its files, and what a problem's `type` leads to; all public."""
    views: dict[str, Callable[..., Response]] = {
        "/docs": page,
        "/docs/problems": problems,
        "/docs/<name>": asset,
        "/problems/<path:slug>": problem,
    }
    for rule, view in views.items():
        view.__dict__["_is_public"] = True
        app.add_url_rule(rule, endpoint=f"docs.{view.__name__}", view_func=view)


def page() -> Response:
    """The page itself."""
    return _page((PAGES / "docs.html").read_text(encoding="utf-8"))


def problems() -> Response:
    """Every problem of the house in one table."""
    return _list(all_problems())


def problem(slug: str) -> Response:
    """What one `type` means (RFC 9457 §3.1.1): a page for people, JSON for who asks for it."""
    found = [kind for kind in all_problems() if kind.slug == slug]
    if not found:
        raise NotFound
    if request.accept_mimetypes.best_match(["text/html", "application/json"]) == "text/html":
        return _list(found)
    (kind,) = found
    response = jsonify(
        type=f"/problems/{slug}",
        status=int(kind.status),
        titles=kind.titles,
        description=describe(kind),
    )
    response.headers["Cache-Control"] = "no-cache"
    response.headers["Vary"] = "Accept"
    return response


def _list(kinds: list[type[Problem]]) -> Response:
    template = Template((PAGES / "problems.html").read_text(encoding="utf-8"))
    return _page(template.substitute(rows="\n".join(map(_row, kinds))))


def _row(kind: type[Problem]) -> str:
    told = (str(int(kind.status)), kind.titles["vi"], kind.titles["en"], describe(kind))
    cells = "".join(f"<td>{escape(words)}</td>" for words in told)
    address = escape(f"/problems/{kind.slug}")
    return f'<tr><td><a href="{address}">{address}</a></td>{cells}</tr>'


def _page(html: str) -> Response:
    response = Response(html, mimetype="text/html")
    response.headers["Vary"] = "Accept"
    response.headers["Content-Security-Policy"] = POLICY
    response.headers["Referrer-Policy"] = "no-referrer"
    response.headers["Cache-Control"] = "no-cache"
    return response


def asset(name: str) -> Response:
    """One of the few files that the page names; 404 for any other."""
    if name in OURS:
        path = PAGES / name
    elif name in SWAGGER_UI:
        path = _swagger_ui() / name
    else:
        raise NotFound
    response = Response(path.read_bytes(), mimetype=TYPES[path.suffix])
    response.headers["Cache-Control"] = f"public, max-age={DAY_SECONDS}"
    return response


def _swagger_ui() -> Path:
    """Folder with the distribution; found and not imported, since only its files are wanted."""
    spec = importlib.util.find_spec("flask_swagger_ui")
    if spec is None or not spec.submodule_search_locations:
        raise NotFound
    return Path(next(iter(spec.submodule_search_locations))) / "dist"
