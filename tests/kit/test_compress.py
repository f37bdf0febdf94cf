"""JSON goes out as gzip to whoever takes it, and nothing else does."""

import gzip
import json

import pytest
from flask import Flask, Response, g, request, stream_with_context
from werkzeug.test import TestResponse

from phr_api.kit import compress

LARGE = json.dumps({"items": ["Nguyễn Thị Thử Nghiệm"] * 100}).encode()
SMALL = b'{"items":[]}'


@pytest.fixture
def app() -> Flask:
    app = Flask("tests")
    compress.init_app(app)

    @app.before_request
    def sign_in() -> None:
        if "Authorization" in request.headers:
            g.principal = "somebody"

    @app.get("/<name>")
    def answer(name: str) -> Response:
        made = {
            "large": Response(LARGE, mimetype="application/json"),
            "small": Response(SMALL, mimetype="application/json"),
            "text": Response(LARGE, mimetype="text/plain"),
            "stored": Response(
                gzip.compress(LARGE),
                mimetype="application/json",
                headers={"Content-Encoding": "gzip"},
            ),
            "streamed": Response(stream_with_context(iter([LARGE])), mimetype="application/json"),
            "weak": Response(LARGE, mimetype="application/json", headers={"ETag": 'W/"1"'}),
            "strong": Response(LARGE, mimetype="application/json", headers={"ETag": '"1"'}),
        }
        return made[name]

    return app


def get(app: Flask, name: str, accepts: str = "br, gzip", **headers: str) -> TestResponse:
    sent = {"Authorization": "Bearer x", "Accept-Encoding": accepts} | headers
    return app.test_client().get(f"/{name}", headers=sent)


@pytest.mark.parametrize("name", ["large", "weak"])
def test_a_large_answer_is_compressed_and_says_so(app: Flask, name: str) -> None:
    answer = get(app, name)
    assert answer.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(answer.data) == LARGE
    assert answer.headers["Content-Length"] == str(len(answer.data))
    assert len(answer.data) < len(LARGE) / 5
    assert answer.data == get(app, name).data


@pytest.mark.parametrize("name", ["small", "text", "streamed", "strong"])
def test_what_is_small_or_named_by_its_bytes_stays_as_it_is(app: Flask, name: str) -> None:
    answer = get(app, name)
    assert "Content-Encoding" not in answer.headers
    assert answer.data in {LARGE, SMALL}


def test_what_is_compressed_is_not_compressed_again(app: Flask) -> None:
    assert gzip.decompress(get(app, "stored").data) == LARGE


@pytest.mark.parametrize("accepts", ["", "identity", "gzip;q=0, br", "gzip; q=0"])
def test_a_caller_who_takes_no_gzip_gets_plain_json(app: Flask, accepts: str) -> None:
    answer = get(app, "large", accepts)
    assert "Content-Encoding" not in answer.headers
    assert answer.data == LARGE


def test_nobody_signed_in_gets_plain_json(app: Flask) -> None:
    answer = app.test_client().get("/large", headers={"Accept-Encoding": "gzip"})
    assert answer.data == LARGE
