"""A person as a document or a provider names them: what the linking functions of SQL take."""

from typing import Any

from phr_api.identity import rules
from phr_api.kit.ids import new_public_id, new_row_id
from phr_api.vocab import PartialDate, check_citizen_number, name_key, search_key


def person_parameters(*, number: str, full_name: str, birth: str) -> dict[str, Any]:
    """Return parameters of link_by_claims and issue_activation, with ids for what they may make.

    Raises InvalidIdentifier for a number without the structure of one, ValueError for a birth that
    is no date.
    """
    checked = check_citizen_number(number)
    born = PartialDate.parse(birth)
    return {
        "new": new_public_id(),
        "identifier": new_row_id(),
        "number": checked,
        "full_name": full_name.strip(),
        "name_key": name_key(full_name),
        "search_key": search_key(full_name),
        "sex": rules.number_sex(checked),
        "birth": str(born),
        "earliest": born.earliest,
        "latest": born.latest,
    }
