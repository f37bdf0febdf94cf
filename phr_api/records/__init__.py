"""What hospitals send: intake, review, corrections. Their files are read in `records.reader`."""

from phr_api.records.service.at_once import Taken, take_in
from phr_api.records.service.giving_back import NothingKept, give_back
from phr_api.records.service.keys import configure
from phr_api.records.service.orders import reattach_as_operator
from phr_api.records.service.queue import work_once
from phr_api.records.service.reprocess import reprocess
from phr_api.records.service.upkeep import trim_reports

__all__ = [
    "NothingKept",
    "Taken",
    "configure",
    "give_back",
    "reattach_as_operator",
    "reprocess",
    "take_in",
    "trim_reports",
    "work_once",
]
