"""Refusals say which door was closed, and nothing of what was sent."""

import pytest

from phr_api.identity.problems import PhoneProofRefused, WrongOrigin
from phr_api.kit.problems import Problem


@pytest.mark.parametrize("kind", [PhoneProofRefused, WrongOrigin])
def test_a_closed_door_is_a_403_in_both_languages(kind: type[Problem]) -> None:
    vi, en = kind().to_dict("vi"), kind().to_dict("en")
    assert (vi["status"], en["status"]) == (403, 403)
    assert set(vi) == {"type", "title", "status"}
