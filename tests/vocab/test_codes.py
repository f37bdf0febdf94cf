"""The small list of words."""

from phr_api.vocab.codes import CodeSystem, demo_codes
from phr_api.vocab.provinces import PROVINCES_63
from phr_api.vocab.words import PaperKind, Sex


def codes_of(system: CodeSystem) -> set[str]:
    return {words.code for words in demo_codes() if words.system is system}


def test_every_system_has_words_in_both_languages() -> None:
    for system in CodeSystem:
        assert codes_of(system), system
    assert all(words.vi and words.en for words in demo_codes())


def test_no_code_stands_twice() -> None:
    keys = [(words.system, words.code) for words in demo_codes()]
    assert len(keys) == len(set(keys))


def test_our_own_values_have_words() -> None:
    assert codes_of(CodeSystem.PAPER_KIND) == set(PaperKind)
    assert codes_of(CodeSystem.SEX) >= set(Sex)


def test_the_lists_of_a_reader_are_whole() -> None:
    assert codes_of(CodeSystem.CARE_TYPE) == {f"{number:02}" for number in range(1, 17)}
    assert codes_of(CodeSystem.OUTCOME) == set("12345678")
    assert codes_of(CodeSystem.DISCHARGE_KIND) == set("12345")
    assert codes_of(CodeSystem.REFERRAL_REASON) == set("123")
    assert codes_of(CodeSystem.SERVICE_GROUP) == {str(number) for number in range(1, 20)}
    assert codes_of(CodeSystem.PROVINCE_63) == set(PROVINCES_63)
    assert len(codes_of(CodeSystem.PROVINCE_2025)) == 34
    assert len(PROVINCES_63) == 63


def test_the_diagnoses_of_the_demo_data_have_words() -> None:
    assert codes_of(CodeSystem.ICD10) >= {"I10", "R51", "E78.5", "J18.9", "B20", "Z21"}
