"""The interactive documentation at /docs: Swagger UI from files of this machine, no CDN.

The page may load scripts, styles and data from this origin only, and runs no inline script.
"""

import importlib.util
from pathlib import Path

from flask import Flask, Response

from phr_api.kit.problems import NotFound

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
    """Add GET /docs and its files, all public."""
    for rule, view in (("/docs", page), ("/docs/<name>", asset)):
        view.__dict__["_is_public"] = True
        app.add_url_rule(rule, endpoint=f"docs.{view.__name__}", view_func=view)


def page() -> Response:
    """The page itself."""
    response = Response((PAGES / "docs.html").read_bytes(), mimetype="text/html")
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
