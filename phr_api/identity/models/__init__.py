"""Tables of identity: who signs in (accounts, systems) and whose record it is (people)."""

from phr_api.identity.models.accounts import (
    Account,
    AccountNotice,
    AccountSession,
    ActivationCode,
    Device,
    Membership,
    PhoneProof,
    ProfileLink,
    RefreshToken,
    SignInAttempt,
    SigningKey,
)
from phr_api.identity.models.clients import Client, ClientFacility, ClientJti, ClientKey
from phr_api.identity.models.people import (
    Coverage,
    Disagreement,
    Profile,
    ProfileAddress,
    ProfileIdentifier,
)

__all__ = [
    "Account",
    "AccountNotice",
    "AccountSession",
    "ActivationCode",
    "Client",
    "ClientFacility",
    "ClientJti",
    "ClientKey",
    "Coverage",
    "Device",
    "Disagreement",
    "Membership",
    "PhoneProof",
    "Profile",
    "ProfileAddress",
    "ProfileIdentifier",
    "ProfileLink",
    "RefreshToken",
    "SignInAttempt",
    "SigningKey",
]
