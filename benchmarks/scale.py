"""How much is measured: in full by `make bench`, in small by the test that they still run."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """Rounds and seconds of each measure, people in the two databases, visits in the files.

    Then clinics and days that are searched, citizens of each client of the rush, its seats in each
    of 500 slots and in the hot one, and its first seconds that are not measured; messages that are
    pushed in a round and drained in one go; open streams, the seconds after which they are idle,
    and how many of them are told.
    """

    rounds: int
    seconds: int
    few: int
    many: int
    visits: int
    large_file_visits: int
    facilities: int
    days: int
    citizens_each: int
    seats: int
    hot_seats: int
    starting: int
    pushes: int
    drained: int
    streams: int
    settling: int
    told: int


FULL = Scale(
    rounds=7,
    seconds=2,
    few=1_000,
    many=200_000,
    visits=400,
    large_file_visits=5_000,
    facilities=1_000,
    days=60,
    citizens_each=400,
    seats=40,
    hot_seats=5_000,
    starting=3,
    pushes=1_000,
    drained=100_000,
    streams=1_000,
    settling=6,
    told=50,
)
SMALL = Scale(
    rounds=1,
    seconds=1,
    few=60,
    many=200,
    visits=10,
    large_file_visits=20,
    facilities=20,
    days=20,
    citizens_each=40,
    seats=15,
    hot_seats=1_500,
    starting=0,
    pushes=400,
    drained=1_000,
    streams=50,
    settling=0,
    told=5,
)
