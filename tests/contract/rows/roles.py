"""The roles of a facility, in the sets that operations are for; viewers read and never write."""

DESK = frozenset({"desk"})
STAFF = frozenset({"desk", "doctor"})
READERS = frozenset({"desk", "doctor", "viewer"})
SYSTEM = frozenset({"system"})
ALL = frozenset({"desk", "doctor", "system"})
