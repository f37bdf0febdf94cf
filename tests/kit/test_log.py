"""What is logged can be searched by ids, and holds nothing that a person sent."""

import json
import logging
from collections.abc import Generator

import psycopg
import pytest
from flask import Flask
from sqlalchemy.exc import IntegrityError

from phr_api.kit import log

NAME = "Nguyễn Thị Thử Nghiệm"


class Lines(logging.Handler):
    """Keeps what the formatter made of each record."""

    def __init__(self) -> None:
        super().__init__()
        self.setFormatter(log.JsonFormatter())
        self.texts: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.texts.append(self.format(record))


@pytest.fixture
def lines() -> Generator[Lines]:
    handler = Lines()
    for name in ("phr_api", "tests"):
        logger = logging.getLogger(name)
        logger.addHandler(handler)
        logger.setLevel(logging.INFO)
    yield handler
    for name in ("phr_api", "tests"):
        logging.getLogger(name).removeHandler(handler)


logger = logging.getLogger("tests.log")


def test_a_database_error_is_told_by_class_sqlstate_and_nothing_else(lines: Lines) -> None:
    class Refused(psycopg.errors.UniqueViolation):
        """A violation whose message, like the server's DETAIL, holds the row."""

    def insert() -> None:
        driver = Refused(f"Key (name)=({NAME}) already exists")
        raise IntegrityError("INSERT …", {"name": NAME}, driver) from driver

    try:
        insert()
    except IntegrityError as error:
        logger.exception("failed")
        logger.warning("failed: %s", error)
        logger.error(error)  # noqa: TRY400 - what must not be done is shown to do no harm
    assert all(NAME not in text for text in lines.texts)
    first = json.loads(lines.texts[0])
    assert first["errors"][0]["class"] == "sqlalchemy.exc.IntegrityError"
    assert first["errors"][0]["sqlstate"] == "23505"
    assert [json.loads(text)["message"] for text in lines.texts[1:]] == [
        "failed: IntegrityError",
        "IntegrityError",
    ]


def test_another_error_is_told_by_its_class_and_place(lines: Lines) -> None:
    try:
        int(NAME)
    except ValueError:
        logger.exception("failed")
    told = json.loads(lines.texts[0])
    assert told["errors"][0]["class"] == "builtins.ValueError"
    assert "test_another_error" in told["errors"][0]["at"][-1]
    assert NAME not in lines.texts[0]


def test_a_request_is_one_line_with_its_id_and_its_route(lines: Lines) -> None:
    app = Flask("example")
    log.init_app(app)

    @app.get("/people/<profile_id>")
    def person(profile_id: str) -> str:
        logger.info("inside")
        return profile_id

    answer = app.test_client().get(
        f"/people/0197?name={NAME}", headers={"X-Request-Id": NAME.encode("utf-8").hex()}
    )
    inside, access = (json.loads(text) for text in lines.texts)
    assert inside["requestId"] == access["requestId"] == answer.headers["X-Request-Id"]
    assert access["route"] == "/people/<profile_id>"
    assert (access["method"], access["status"], access["profile"]) == ("GET", 200, "0197")
    assert all(NAME not in text for text in lines.texts)


def test_extra_fields_are_members_of_the_line(lines: Lines) -> None:
    logger.info("counted %d", 3, extra={"visits": 3})
    told = json.loads(lines.texts[0])
    assert (told["message"], told["visits"], told["level"]) == ("counted 3", 3, "INFO")
    assert "requestId" not in told
