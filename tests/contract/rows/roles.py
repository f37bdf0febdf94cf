"""The roles of a facility, in the sets that operations are for; viewers read and never write."""

DESK = frozenset({"desk"})
STAFF = frozenset({"desk", "doctor"})
READERS = frozenset({"desk", "doctor", "viewer"})
SYSTEM = frozenset({"system"})
DIRECTORY = frozenset({"directory"})  # the system that keeps it
ALL = frozenset({"desk", "doctor", "system"})
