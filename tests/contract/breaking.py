"""What would break an app that was written against an earlier OpenAPI document of ours."""

from collections.abc import Iterator
from typing import Any

Document = dict[str, Any]
METHODS = ("get", "post", "put", "patch", "delete")


def breaks(before: Document, now: Document) -> list[str]:
    """Return what an older client would stumble over: gone, newly demanded, or narrower."""
    found = list(_operations(before, now))
    schemas = now.get("components", {}).get("schemas", {})
    sent = _names_of_requests(now)
    for name, schema in before.get("components", {}).get("schemas", {}).items():
        if name in schemas:
            found += _schema(name, schema, schemas[name], is_sent=name in sent)
        else:
            found.append(f"schema {name} is gone")
    return found


def _operations(before: Document, now: Document) -> Iterator[str]:
    for path, methods in before["paths"].items():
        for method in METHODS:
            if method not in methods:
                continue
            present = now["paths"].get(path, {}).get(method)
            if present is None:
                yield f"{method.upper()} {path} is gone"
                continue
            past = methods[method]
            for status in past.get("responses", {}).keys() - present.get("responses", {}).keys():
                yield f"{method.upper()} {path} no longer answers {status}"
            for name in _demanded(present) - _demanded(past):
                yield f"{method.upper()} {path} demands {name}"


def _demanded(operation: dict[str, Any]) -> set[str]:
    parameters = operation.get("parameters", [])
    names = {f"{each['in']} {each['name']}" for each in parameters if each.get("required")}
    body = operation.get("requestBody", {})
    return names | ({"a body"} if body.get("required") else set())


def _schema(
    name: str, before: dict[str, Any], now: dict[str, Any], *, is_sent: bool
) -> Iterator[str]:
    past, present = before.get("properties", {}), now.get("properties", {})
    for member in past.keys() - present.keys():
        yield f"{name}.{member} is gone"
    if is_sent:
        for member in set(now.get("required", [])) - set(before.get("required", [])):
            yield f"{name}.{member} is demanded"
    for member in past.keys() & present.keys():
        if _kind(past[member]) != _kind(present[member]):
            yield f"{name}.{member} is of another type"
        for value in set(past[member].get("enum", [])) - set(present[member].get("enum", [])):
            if is_sent and present[member].get("enum"):
                yield f"{name}.{member} no longer takes {value}"


def _kind(member: dict[str, Any]) -> str:
    kind = member.get("type")
    kinds = [kind] if isinstance(kind, str) else list(kind or [])
    return " ".join(sorted(set(kinds) - {"null"})) or str(member.get("$ref"))


def _names_of_requests(document: Document) -> set[str]:
    """Names of the schemas that clients send, and of those nested in them."""
    schemas = document.get("components", {}).get("schemas", {})
    waiting = [
        reference
        for methods in document["paths"].values()
        for method in METHODS
        for reference in _references(methods.get(method, {}).get("requestBody", {}))
    ]
    names: set[str] = set()
    while waiting:
        name = waiting.pop()
        if name not in names:
            names.add(name)
            waiting += _references(schemas.get(name, {}))
    return names


def _references(part: Any) -> list[str]:
    if isinstance(part, dict):
        own = [part["$ref"].rsplit("/", 1)[-1]] if isinstance(part.get("$ref"), str) else []
        return own + [name for value in part.values() for name in _references(value)]
    if isinstance(part, list):
        return [name for value in part for name in _references(value)]
    return []
