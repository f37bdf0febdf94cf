"""Sign-in over real HTTP: the local provider runs in a thread, the settings point at it."""

from collections.abc import Callable, Generator
from contextlib import AbstractContextManager
from dataclasses import replace

import pytest
from flask import Flask
from sqlalchemy import delete
from sqlalchemy.orm import Session

from phr_api import identity
from phr_api.devprovider.server import Providers, running
from phr_api.identity.service import sign_in
from phr_api.kit.limits import RateLimit
from phr_api.settings import Settings


@pytest.fixture(autouse=True)
def _unlimited(session: Session) -> None:
    """Every test begins with whole shares; one that moves the clock leaves them in the future."""
    session.execute(delete(RateLimit))
    session.commit()


@pytest.fixture
def providers(app: Flask, settings: Settings) -> Generator[Providers]:
    """The providers of this test; the application trusts them as it would in development."""
    with running() as providers:
        issuers = {"citizen": providers.citizen.issuer, "staff": providers.staff.issuer}
        pointed = tuple(replace(one, issuer=issuers[one.audience]) for one in settings.providers)
        identity.configure(replace(settings, providers=pointed))
        yield providers
    for client in sign_in._Clients.known.values():
        client.close()
    sign_in._Clients.known.clear()
    identity.configure(settings)


@pytest.fixture
def worker_process(
    as_worker: Callable[[], AbstractContextManager[None]], app: Flask
) -> Generator[None]:
    """This process is the worker while the test runs."""
    with as_worker():
        yield
