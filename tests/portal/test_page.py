"""The desk's page as it is served: nothing inline or from elsewhere, words in both languages."""

import json
import re
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from phr_api import portal

STATIC = Path(portal.__file__).parent / "static"
SCRIPTS = sorted(STATIC.glob("*.js"))
PAGES = sorted(STATIC.glob("*.html"))


def words(language: str) -> dict[str, str]:
    read: dict[str, str] = json.loads((STATIC / f"words.{language}.json").read_text("utf-8"))
    return read


def test_the_page_may_load_from_here_alone(client: FlaskClient) -> None:
    for path in ("/desk", "/desk/screen.html"):
        answer = client.get(path)
        assert answer.status_code == 200
        assert answer.mimetype == "text/html"
        policy = answer.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy
        assert answer.headers["Referrer-Policy"] == "no-referrer"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_every_file_that_the_page_names_is_served(client: FlaskClient) -> None:
    named = {name for page in PAGES for name in re.findall(r"/desk/[\w.]+", page.read_text())}
    for script in SCRIPTS:
        text = script.read_text()
        named |= {f"/desk/{name}" for name in re.findall(r'from "\./([\w.]+)"', text)}
    assert len(named) > 10
    for path in named:
        answer = client.get(path)
        assert answer.status_code == 200, path
        assert answer.headers["Cache-Control"] == "no-cache"
        again = client.get(path, headers={"If-None-Match": answer.headers["ETag"]})
        assert (again.status_code, again.data) == (304, b"")


@pytest.mark.parametrize("name", ["routes.py", "..%2froutes.py", "nothing.js", "desk.html"])
def test_nothing_else_is_served(client: FlaskClient, name: str) -> None:
    assert client.get(f"/desk/{name}").status_code == 404


def test_nothing_is_inline() -> None:
    for page in PAGES:
        html = page.read_text("utf-8")
        assert re.findall(r"<script(?![^>]*\bsrc=)", html) == []
        assert re.findall(r"\son\w+=|<style|\sstyle=|javascript:", html) == []
    for script in SCRIPTS:
        text = script.read_text("utf-8")
        assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|\beval\(|https?://", text)


def test_both_languages_have_the_same_words_with_the_same_values() -> None:
    vietnamese, english = words("vi"), words("en")
    assert set(vietnamese) == set(english)
    values = re.compile(r"\{\w+\}")
    for key, text in vietnamese.items():
        assert sorted(values.findall(text)) == sorted(values.findall(english[key])), key
        assert text.strip(), key
        assert english[key].strip(), key


def code_of(script: Path) -> str:
    """A script without its comments."""
    text = re.sub(r"/\*\*.*?\*/", "", script.read_text("utf-8"), flags=re.DOTALL)
    return re.sub(r"(?m)(^|\s)//.*$", "", text)


def test_every_word_that_a_script_says_is_there_and_every_word_is_said() -> None:
    code = "\n".join(code_of(script) for script in SCRIPTS)
    said = set(re.findall(r'\bt\("([\w.-]+)"', code))
    assert len(said) > 50
    assert said - set(words("vi")) == set()
    begun = tuple(re.findall(r"\b(?:t|said)\(`([\w-]+\.)\$", code))  # t(`state.${state}`)
    quoted = set(re.findall(r'"([\w.-]+)"', code))
    assert [key for key in words("vi") if key not in quoted and not key.startswith(begun)] == []


def test_no_text_for_people_stands_in_a_script() -> None:
    """Neither Vietnamese nor English: words have a place of their own."""
    for script in SCRIPTS:
        literals = re.findall(r'"([^"\n]*)"|`([^`]*)`', code_of(script))
        for literal in ("".join(found) for found in literals):
            assert not re.search(r"[À-ÖØ-öø-ỹ]", literal), (script.name, literal)
            plain = re.sub(r"\$\{[^}]*\}", "", literal)
            assert not re.search(r"\b[A-Z][a-z]+ [a-z]{2,}", plain), (script.name, literal)
