"""What `errors` say about a member is said in the language of the answer."""

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from marshmallow import fields, validate

import phr_api
from phr_api.kit.field_messages import translated
from phr_api.kit.web import Schema

ROOMS = Path(phr_api.__file__).parent
# what only dumping says
NEVER_SENT = ("format",)


def schemas(of: type[Schema] = Schema) -> Iterator[type[Schema]]:
    for schema in of.__subclasses__():
        yield schema
        yield from schemas(schema)


def of_field(field: fields.Field[Any]) -> Iterator[str]:
    for name, message in field.error_messages.items():
        if name not in NEVER_SENT:
            yield str(message).format(obj_type=getattr(field, "OBJ_TYPE", ""), awareness="aware")
    for validator in field.validators:
        yield from of_validator(validator)
    if isinstance(field, fields.List):
        yield from of_field(field.inner)


def of_validator(validator: Any) -> Iterator[str]:
    if isinstance(validator, validate.Range):
        one, other = validator.min, validator.max
        if one is not None:
            yield validator._format_error(one, validator.message_min)
        if other is not None:
            yield validator._format_error(other, validator.message_max)
    elif isinstance(validator, validate.Length):
        for message in (validator.message_min, validator.message_max, validator.message_all):
            yield validator._format_error("", message)
    elif isinstance(validator, validate.OneOf | validate.Regexp):
        yield validator._format_error("")


def literals() -> Iterator[str]:
    """Messages raised by our own validators, and those that services put into `errors`."""
    for path in ROOMS.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            found: list[ast.expr] = []
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "ValidationError":
                found = node.args[:1]
            elif isinstance(node, ast.List) and "appointments" in path.parts:
                found = node.elts
            for value in found:
                if isinstance(value, ast.Constant) and str(value.value).endswith("."):
                    yield str(value.value)


@pytest.mark.usefixtures("app")
def test_every_message_of_a_field_has_vietnamese_words() -> None:
    said = {
        message
        for schema in schemas()
        for field in schema._declared_fields.values()
        for message in of_field(field)
    } | set(literals())
    assert len(said) > 80
    assert sorted(message for message in said if translated(message) == message) == []


def test_messages_are_in_the_language_of_the_title(client: FlaskClient) -> None:
    address = "/v1/facilities?limit=0&colour=blue"
    vietnamese = client.get(address).get_json()["errors"]["query"]
    english = client.get(address, headers={"Accept-Language": "en"}).get_json()["errors"]["query"]
    assert english == {
        "limit": ["Must be greater than or equal to 1 and less than or equal to 100."],
        "colour": ["Unknown field."],
    }
    assert vietnamese == {"limit": ["Phải từ 1 đến 100."], "colour": ["Không có mục này."]}
