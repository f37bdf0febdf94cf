"""`phr-api facility` and `phr-api codes`, as an operator types them: processes of their own."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

FACILITIES = """code,name,province,latitude,longitude,remote_licence
99021,Bệnh viện Lệnh Thử,Huế,16.4637,107.5908,12/GP-THU
99022,Trạm Lệnh Thử,Huế,,,
"""


@pytest.fixture
def phr_api(environment: dict[str, str]) -> Any:
    """Run the command line with this installation's settings; the answer of the process."""

    def run(*arguments: object) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [sys.executable, "-m", "phr_api", *map(str, arguments)],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )

    return run


def lines(answer: Any) -> list[dict[str, Any]]:
    assert answer.returncode == 0, answer.stderr
    return [json.loads(line) for line in answer.stdout.splitlines()]


def test_facilities_are_added_imported_and_listed(phr_api: Any, tmp_path: Path) -> None:
    file = tmp_path / "facilities.csv"
    file.write_text(FACILITIES)
    assert phr_api("facility", "import", file).stdout == "2 facilities\n"
    added = phr_api("facility", "add", "99023", "--name", "Phòng khám Lệnh Thử")
    assert added.stdout == "99023 Phòng khám Lệnh Thử\n"
    found = lines(phr_api("facility", "list", "--search", "lenh thu"))
    assert {row["code"] for row in found} == {"99021", "99022", "99023"}
    assert {row["province"] for row in found} == {"Huế", None}
    places = {row["code"]: (row["latitude"], row["remoteLicence"]) for row in found}
    assert (places["99021"], places["99022"]) == ((16.4637, "12/GP-THU"), (None, None))


def test_a_wrong_facility_is_refused_in_one_line(phr_api: Any) -> None:
    refused = phr_api("facility", "add", "9", "--name", "x")
    assert refused.returncode == 2
    assert "a facility code has 5 capital letters or digits" in refused.stderr


def test_codes_are_loaded_once_a_version(phr_api: Any, tmp_path: Path) -> None:
    file = tmp_path / "codes.csv"
    file.write_text("\ufeffcode,vi,en\nZ1,một,one\nZ2,hai,\n")
    load = ("codes", "load", file, "--system", "lệnh-thử", "--version")
    assert phr_api(*load, "1").stdout == "2 codes of lệnh-thử, version 1\n"
    assert phr_api(*load, "1").returncode == 0
    file.write_text("code,vi\nZ1,khác\n")
    other = phr_api(*load, "1")
    assert other.returncode == 2
    assert "is loaded already, with other words" in other.stderr
    assert phr_api(*load, "2").returncode == 0
    listed = lines(phr_api("codes", "list", "--system", "lệnh-thử"))
    assert [(row["version"], row["isCurrent"], row["codes"]) for row in listed] == [
        ("2", True, 1),
        ("1", False, 2),
    ]


def test_a_file_without_the_columns_is_refused_with_its_line(phr_api: Any, tmp_path: Path) -> None:
    file = tmp_path / "codes.csv"
    for content, told in (
        ("a,b\n1,2\n", "line 1: the columns code and vi are needed"),
        ("code,vi\nA,một\nA,hai\n", "line 3: the code stands there twice"),
    ):
        file.write_text(content)
        answer = phr_api("codes", "load", file, "--system", "icd10", "--version", "wrong")
        assert answer.returncode == 2
        assert told in answer.stderr
