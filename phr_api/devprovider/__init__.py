"""A small OpenID provider for development: real HTTP, real signatures, invented people."""

from phr_api.devprovider.people import (
    CARER,
    CHILD,
    CITIZEN,
    DESK,
    DOCTOR,
    PEOPLE,
    SYSTEM,
    DemoPerson,
    DemoSystem,
)
from phr_api.devprovider.server import NotInDevelopment, serve

__all__ = [
    "CARER",
    "CHILD",
    "CITIZEN",
    "DESK",
    "DOCTOR",
    "PEOPLE",
    "SYSTEM",
    "DemoPerson",
    "DemoSystem",
    "NotInDevelopment",
    "serve",
]
