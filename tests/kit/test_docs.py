"""The documentation page loads nothing from elsewhere and runs nothing inline."""

import re

import pytest
from flask import Flask
from flask.testing import FlaskClient

from phr_api.kit import docs


@pytest.fixture
def browser() -> FlaskClient:
    app = Flask("example", static_folder=None)
    docs.register(app)
    return app.test_client()


def test_the_page_names_only_local_files_and_all_are_served(browser: FlaskClient) -> None:
    page = browser.get("/docs")
    assert page.status_code == 200
    named = re.findall(r'(?:src|href)="([^"]+)"', page.text)
    assert len(named) >= 4
    for address in named:
        assert address.startswith("/")
        if address.startswith("/docs/"):
            assert browser.get(address).status_code == 200


def test_the_policy_allows_no_inline_script_and_no_other_origin(browser: FlaskClient) -> None:
    page = browser.get("/docs")
    policy = page.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'self';" in policy
    assert not re.search(r"<script(?![^>]*src=)", page.text)
    assert not re.search(r"\son\w+=", page.text)


def test_the_type_of_a_problem_leads_to_its_words(client: FlaskClient) -> None:
    refused = client.get("/v1/me").get_json()
    told = client.get(refused["type"], headers={"Accept": "application/json"}).get_json()
    assert told["type"] == refused["type"]
    assert told["status"] == 401
    assert set(told["titles"]) == {"vi", "en"}
    page = client.get(refused["type"], headers={"Accept": "text/html,*/*;q=0.8"})
    assert page.mimetype == "text/html"
    assert told["titles"]["en"] in page.text


def test_every_problem_of_every_room_has_a_page(client: FlaskClient) -> None:
    page = client.get("/docs/problems")
    addresses = re.findall(r'href="(/problems/[^"]+)"', page.text)
    assert "/problems/records/file-too-large" in addresses
    assert "script-src 'self';" in page.headers["Content-Security-Policy"]
    assert all(client.get(address).status_code == 200 for address in addresses)
    unknown = client.get("/problems/no/such")
    assert (unknown.status_code, unknown.mimetype) == (404, "application/problem+json")


def test_the_document_says_how_to_sign_in_and_the_page_asks_its_own_origin_alone(
    client: FlaskClient,
) -> None:
    document = client.get("/openapi.json").get_json()
    assert document["components"]["securitySchemes"]["bearer"]["scheme"] == "bearer"
    assert document["security"] == [{"bearer": []}]
    assert "window.location.origin + asked.pathname" in client.get("/docs/docs.js").text


def test_the_swagger_ui_understands_openapi_3_1(browser: FlaskClient) -> None:
    assert "openapi31" in browser.get("/docs/swagger-ui-bundle.js").text.lower()
