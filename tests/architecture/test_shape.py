"""Rules about the code itself."""

import ast
from collections.abc import Iterator
from pathlib import Path

import grimp
import pytest
from flask import Flask

from phr_api.kit.web import is_public
from tests.architecture.public import PUBLIC

ROOT = Path(__file__).parents[2]
ROOMS = {
    "appointments",
    "audit",
    "clinics",
    "consent",
    "healthbook",
    "home",
    "identity",
    "notifications",
    "portal",
    "records",
}
# these know every room: the web application, the worker, the command line, the migrations
OPEN_TO_ALL = {"app", "worker", "wiring", "commands", "migrations", "__main__"}
LONGEST_FUNCTION = 60
LONGEST_FILE = 400


def python_files(*folders: str) -> Iterator[Path]:
    for folder in folders:
        yield from (ROOT / folder).rglob("*.py")


def test_rooms_meet_only_at_their_face() -> None:
    """phr_api.x.anything may import phr_api.y, never phr_api.y.something."""
    graph = grimp.build_graph("phr_api", cache_dir=None)
    trespasses = [
        f"{importer} -> {imported}"
        for importer in graph.modules
        for imported in graph.find_modules_directly_imported_by(importer)
        if imported.count(".") > 1
        and (room := imported.split(".")[1]) in ROOMS
        and (own := [*importer.split("."), ""][1]) != room
        and own not in OPEN_TO_ALL
    ]
    assert trespasses == []


def test_functions_fit_a_screen_and_files_a_room() -> None:
    too_long = []
    for path in python_files("phr_api", "tests", "benchmarks"):
        source = path.read_text()
        if source.count("\n") > LONGEST_FILE:
            too_long.append(str(path.relative_to(ROOT)))
        for node in ast.walk(ast.parse(source)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                lines = (node.end_lineno or node.lineno) - node.lineno + 1
                if lines > LONGEST_FUNCTION:
                    too_long.append(f"{path.relative_to(ROOT)}:{node.name} {lines}")
    assert too_long == []


@pytest.mark.parametrize("name", ["utils", "helpers", "common", "misc", "manager"])
def test_no_room_is_without_a_name(name: str) -> None:
    assert [path for path in python_files("phr_api", "tests") if path.stem == name] == []


def test_scopes_are_made_in_consent_alone() -> None:
    """RecordScope(...) and set_config belong to two modules; anywhere else is a way around."""
    makers = [
        str(path.relative_to(ROOT))
        for path in python_files("phr_api")
        if "RecordScope(" in path.read_text() and "consent" not in path.parts
    ]
    assert makers == []


def test_no_setting_outlives_its_transaction() -> None:
    lasting = [
        str(path.relative_to(ROOT))
        for path in python_files("phr_api")
        if "', false)" in path.read_text() and "set_config" in path.read_text()
    ]
    assert lasting == []


def test_every_view_is_guarded_or_listed_as_public(app: Flask) -> None:
    public = {
        f"{method} {rule.rule}"
        for rule in app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
        if is_public(app.view_functions[rule.endpoint], method)
    }
    assert public == PUBLIC


def test_every_room_says_what_it_is_in_thirty_lines() -> None:
    missing = [
        room
        for room in sorted(ROOMS)
        if not (readme := ROOT / "phr_api" / room / "README.md").exists()
        or readme.read_text().count("\n") > 30
    ]
    assert missing == []


@pytest.mark.xdist_group("shape")
def test_tests_of_a_group_run_in_one_process(request: pytest.FixtureRequest) -> None:
    """The runner carries the group in the name; a version that loses it splits costly starts."""
    if request.config.getoption("loadgroup", default=False):
        assert request.node.nodeid.endswith("@shape")
