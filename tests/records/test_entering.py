"""What becomes of a visit: accepted, unchanged, superseded, needs-review, refused."""

import json

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from phr_api.audit.models import AuditEvent, AuditSubject
from phr_api.healthbook.models import Encounter, Result
from phr_api.identity.models import Profile, ProfileIdentifier
from phr_api.records.models import ReceivedVisit
from phr_api.records.service import entering_files
from tests.factories.people import make_profile, new_number
from tests.records.conftest import Send
from tests.records.files import a_file, a_visit, key_of, new_key
from tests.records.looking import count, encounters, holder, states, versions


def test_a_new_visit_is_in_the_book_of_the_person_it_names(send: Send, session: Session) -> None:
    number = new_number()
    visit = a_visit(number=number)

    taken = send(a_file(visit))

    assert taken.counts == {"accepted": 1}
    owner = holder(session, key_of(visit))
    assert session.get_one(Profile, owner).full_name == visit["XML1"][0]["HO_TEN"]
    assert count(session, ProfileIdentifier, profile_id=owner, value=number) == 1
    assert count(session, Result, profile_id=owner, value_text="5.4") == 1


def test_a_second_visit_with_number_name_and_birth_goes_to_the_same_person(
    send: Send, session: Session
) -> None:
    number = new_number()
    first, second = a_visit(number=number), a_visit(number=number)

    send(a_file(first))
    send(a_file(second))

    assert holder(session, key_of(first)) == holder(session, key_of(second))


def test_the_same_file_again_changes_nothing(send: Send, session: Session) -> None:
    visit = a_visit()
    send(a_file(visit))
    owner = holder(session, key_of(visit))
    before = encounters(session, owner)

    taken = send(a_file(visit))

    assert taken.counts == {"unchanged": 1}
    assert encounters(session, owner) == before
    assert states(session, key_of(visit)) == ["current"]


def test_a_visit_written_differently_and_saying_the_same_is_unchanged(
    send: Send, session: Session
) -> None:
    visit = a_visit()
    send(a_file(visit))
    summary = visit["XML1"][0]
    turned = visit | {"XML1": [dict(reversed(summary.items()))]}

    taken = send(a_file(turned))

    assert taken.counts == {"unchanged": 1}
    assert states(session, key_of(visit)) == ["current"]


def test_a_changed_visit_supersedes_and_its_history_stays(send: Send, session: Session) -> None:
    key, number = new_key(), new_number()
    send(a_file(a_visit(key, number=number, results=(("Glucose", "5.4"),))))

    taken = send(a_file(a_visit(key, number=number, results=(("Glucose", "6.4"),))))

    assert taken.counts == {"superseded": 1}
    assert states(session, key) == ["superseded", "current"]
    owner = holder(session, key)
    assert sorted(encounters(session, owner).values()) == ["current", "superseded"]
    old, new = versions(session, key)
    assert session.get_one(Encounter, (owner, new.encounter_id)).supersedes == old.encounter_id
    assert count(session, Result, profile_id=owner, value_text="5.4", status="superseded") == 1


def test_of_one_visit_twice_in_a_file_the_last_one_stands(send: Send, session: Session) -> None:
    key, number = new_key(), new_number()
    copies = [
        a_visit(key, number=number, results=(("Glucose", str(value)),)) for value in range(5, 11)
    ]

    taken = send(a_file(*copies))

    assert taken.counts == {"accepted": 1, "superseded": 5}
    last = versions(session, key)[-1]
    assert (last.state, last.ordinal) == ("current", 5)


def test_of_a_changed_visit_and_the_known_one_after_it_the_last_one_stands(
    send: Send, session: Session
) -> None:
    key, number = new_key(), new_number()
    known = a_visit(key, number=number, results=(("Glucose", "5.4"),))
    changed = a_visit(key, number=number, results=(("Glucose", "6.4"),))
    send(a_file(known))

    taken = send(a_file(known, changed, known))

    assert [entry.outcome for entry in taken.entries] == ["unchanged", "superseded", "superseded"]
    last = versions(session, key)[-1]
    assert (last.state, last.ordinal) == ("current", 2)
    owner = holder(session, key)
    assert count(session, Result, profile_id=owner, value_text="5.4", status="current") == 1
    assert count(session, Result, profile_id=owner, value_text="6.4", status="current") == 0


def test_the_last_one_stands_however_far_apart_they_lie_in_the_file(
    send: Send, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(entering_files, "VISITS_A_LOOK", 2)
    key, number = new_key(), new_number()
    known, changed = a_visit(key, number=number), a_visit(key, number=number, LY_DO_VV="Khác")
    send(a_file(known))

    taken = send(a_file(changed, a_visit(), a_visit(), a_visit(), known))

    assert taken.counts == {"accepted": 3, "superseded": 2}
    assert versions(session, key)[-1].ordinal == 4


@pytest.mark.parametrize("written", ["the same", "differently"])
def test_the_current_visit_sent_again_ends_the_change_that_waits(
    send: Send, session: Session, written: str
) -> None:
    number, key = new_number(), new_key()
    send(a_file(a_visit(number=number)))
    current = a_visit(key)
    send(a_file(current))
    owner = holder(session, key)
    changed = a_visit(key, number=number, name="Trần Thị Người Khác")
    assert send(a_file(changed)).counts == {"needs-review": 1}
    if written == "differently":
        current = current | {"XML1": [dict(reversed(current["XML1"][0].items()))]}

    taken = send(a_file(current))

    assert taken.counts == {"unchanged": 1}
    assert states(session, key) == ["current", "superseded"]
    assert holder(session, key) == owner


def test_a_known_number_with_another_name_waits_and_is_in_nobodys_book(
    send: Send, session: Session
) -> None:
    number = new_number()
    known = a_visit(number=number)
    send(a_file(known))
    owner = holder(session, key_of(known))
    before = encounters(session, owner)
    other = a_visit(number=number, name="Trần Thị Người Khác")

    taken = send(a_file(other))

    assert taken.counts == {"needs-review": 1}
    (entry,) = taken.entries
    assert [reason["code"] for reason in entry.reasons] == ["name-disagrees"]
    assert "Thử Nghiệm" not in json.dumps(entry.reasons, ensure_ascii=False)
    assert encounters(session, owner) == before
    (waiting,) = versions(session, key_of(other))
    assert (waiting.state, waiting.profile_id, waiting.candidate_id) == (
        "needs-review",
        None,
        owner,
    )


def test_a_waiting_visit_sent_again_waits_once(send: Send, session: Session) -> None:
    number = new_number()
    send(a_file(a_visit(number=number)))
    other = a_visit(number=number, born="195001010000")
    send(a_file(other))

    taken = send(a_file(other))

    assert taken.counts == {"needs-review": 1}
    assert [reason["code"] for reason in taken.entries[0].reasons] == ["birth-disagrees"]
    assert states(session, key_of(other)) == ["needs-review"]


def test_a_waiting_visit_that_is_corrected_waits_no_longer(send: Send, session: Session) -> None:
    number = new_number()
    known = a_visit(number=number)
    send(a_file(known))
    key = new_key()
    send(a_file(a_visit(key, number=number, name="Trần Thị Người Khác")))

    taken = send(a_file(a_visit(key, number=number)))

    assert taken.counts == {"accepted": 1}
    assert states(session, key) == ["superseded", "current"]
    assert holder(session, key) == holder(session, key_of(known))


def test_a_child_under_the_mothers_number_does_not_bar_the_mother_from_it(
    send: Send, session: Session
) -> None:
    number = new_number()
    child = a_visit(number=number, name="Trần Thị Bé", born="202110050000")
    mother = a_visit(number=number)

    assert send(a_file(child)).counts == {"accepted": 1}
    assert send(a_file(mother)).counts == {"accepted": 1}

    assert holder(session, key_of(child)) != holder(session, key_of(mother))
    owner = session.scalars(
        select(ProfileIdentifier.profile_id).where(ProfileIdentifier.value == number)
    )
    assert list(owner) == [holder(session, key_of(mother))]


def test_a_number_that_somebody_declared_matches_nobody(send: Send, session: Session) -> None:
    number = new_number()
    declared = make_profile(session, numbers=[("citizen-id", number, "declared")])
    visit = a_visit(number=number)

    send(a_file(visit))

    assert holder(session, key_of(visit)) != declared.id


def test_a_changed_visit_that_names_another_person_moves_there(
    send: Send, session: Session
) -> None:
    key = new_key()
    send(a_file(a_visit(key)))
    first = holder(session, key)

    taken = send(a_file(a_visit(key, name="Trần Thị Người Khác")))

    assert taken.counts == {"superseded": 1}
    second = holder(session, key)
    assert second != first
    assert list(encounters(session, first).values()) == ["superseded"]
    assert list(encounters(session, second).values()) == ["current"]


def test_a_file_is_one_event_with_a_subject_for_each_person(send: Send, session: Session) -> None:
    number = new_number()
    visits = [a_visit(number=number), a_visit(number=number), a_visit()]

    taken = send(a_file(*visits))

    events = session.scalars(
        select(AuditEvent).where(
            AuditEvent.action == "visit.sent",
            AuditEvent.details["submission"].as_string() == str(taken.submission_id),
        )
    ).all()
    assert len(events) == 1
    subjects = session.scalar(select(func.count()).where(AuditSubject.event_id == events[0].id))
    assert subjects == 2


def test_visits_of_a_new_person_in_flight_together_make_one_person(
    send: Send, session: Session
) -> None:
    number = new_number()
    visits = [a_visit(number=number) for _ in range(12)]

    taken = send(a_file(*visits))

    assert taken.counts == {"accepted": 12}
    owners = {holder(session, key_of(visit)) for visit in visits}
    assert len(owners) == 1
    assert len(encounters(session, owners.pop())) == 12


def test_a_refused_visit_names_what_is_wrong_and_keeps_none_of_it(
    send: Send, session: Session
) -> None:
    good, bad = a_visit(), a_visit(number="12345678901")

    taken = send(a_file(good, bad))

    assert taken.counts == {"accepted": 1, "refused": 1}
    refused = taken.entries[1]
    assert refused.ma_lk == key_of(bad)
    (reason,) = refused.reasons
    assert (reason["table"], reason["element"]) == ("XML1", "SO_CCCD")
    assert reason["received"] == "11 digits"
    assert set(reason["message"]) == {"vi", "en"}
    assert "12345678901" not in json.dumps(refused.reasons)
    assert count(session, ReceivedVisit, ma_lk=key_of(bad)) == 0
