"""The catalogue of problems is closed, in two languages, and repeats nothing that was sent."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from phr_api.kit.problems import Problem

CATALOGUE = Path(__file__).parents[2] / "openapi" / "problems.md"
VIETNAMESE_LETTERS = set("ăâđêôơưáàảãạấầẩẫậắằẳẵặéèẻẽẹếềểễệíìỉĩịóòỏõọốồổỗộớờởỡợúùủũụứừửữựýỳỷỹỵ")


def kinds(of: type[Problem] = Problem) -> Iterator[type[Problem]]:
    for kind in of.__subclasses__():
        if kind.__module__.startswith("phr_api."):
            yield kind
        yield from kinds(kind)


@pytest.mark.usefixtures("app")
def test_slugs_are_unique_and_listed() -> None:
    slugs = [kind.slug for kind in kinds()]
    assert len(slugs) > 20
    assert sorted(slugs) == sorted(set(slugs))
    catalogue = CATALOGUE.read_text(encoding="utf-8")
    assert [slug for slug in slugs if f"`{slug}`" not in catalogue] == []


@pytest.mark.usefixtures("app")
def test_every_problem_speaks_vietnamese_and_english() -> None:
    mute = [
        kind.slug
        for kind in kinds()
        if set(kind.titles) != {"vi", "en"}
        or not VIETNAMESE_LETTERS & set(kind.titles["vi"].lower())
        or not kind.titles["en"].isascii()
    ]
    assert mute == []


@pytest.mark.usefixtures("app")
def test_a_rooms_slugs_begin_with_its_name() -> None:
    strays = [
        (kind.slug, kind.__module__)
        for kind in kinds()
        if not kind.__module__.startswith("phr_api.kit.")
        and kind.slug.split("/")[0] != kind.__module__.split(".")[1]
    ]
    assert strays == []


def test_the_language_is_the_callers_and_vietnamese_first(client: FlaskClient) -> None:
    for accept, language in ((None, "vi"), ("en-GB", "en"), ("fr", "vi"), ("vi, en;q=0.9", "vi")):
        headers = {"Accept-Language": accept} if accept else {}
        answer = client.get("/v1/me", headers=headers)
        assert answer.headers["Content-Language"] == language
        assert answer.headers["Vary"] == "Accept-Language"
        assert answer.mimetype == "application/problem+json"


# numbers, and names as Vietnamese writes them: not what a member of ours could be called
PERSONAL = st.text(
    st.characters(categories=["L", "N"], include_characters=" "), min_size=12, max_size=40
).filter(lambda text: len(set(text)) > 6 and not (text.isascii() and text.isalpha()))


@settings(
    max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)
@given(value=PERSONAL)
def test_no_problem_repeats_what_was_sent(client: FlaskClient, value: str) -> None:
    attempt = {"provider": value, "codeChallenge": value, "redirectUri": value, value: value}
    form = {"grant_type": value, "refresh_token": value, "client_assertion": value}
    for answer in (
        client.post("/v1/sign-in/attempts", json=attempt),
        client.post("/v1/oauth/token", data=form),
        client.get("/v1/me", headers={"Authorization": f"Bearer {value.encode().hex()}"}),
        client.get("/v1/facilities", query_string={"after": value}),
    ):
        assert 400 <= answer.status_code < 500
        assert value not in answer.get_data(as_text=True)
        assert value not in answer.get_json().get("title", "")


@pytest.mark.usefixtures("app")
def test_every_problem_is_met_by_a_test() -> None:
    tests = "\n".join(
        path.read_text(encoding="utf-8") for path in Path(__file__).parents[1].rglob("test_*.py")
    )
    untested = [
        kind.slug
        for kind in kinds()
        if kind.slug not in tests and not re.search(rf"\b{kind.__name__}\b", tests)
    ]
    assert untested == []
