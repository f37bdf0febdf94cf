"""`phr-api seed`, which `make run` calls once."""

import io
import socket
from contextlib import AbstractContextManager, nullcontext
from threading import Event
from typing import TYPE_CHECKING

import click

from phr_api.commands.environment import command_database

if TYPE_CHECKING:
    from phr_api.settings import Settings

LOOPBACK = "127.0.0.1"


@click.command()
def seed() -> None:
    """Fill a development database with fictional people, once.

    Facilities 99001 to 99003, what the first of them offers for two weeks, code lists, staff, a
    hospital's system, a citizen with a book of three years, and a child with a parent as carer.
    The visits come as hospitals' files through the real intake, so running it again changes
    nothing.
    """
    from phr_api.commands import demo  # noqa: PLC0415 - `--help` stays fast
    from phr_api.commands.demo_clinics import seed_clinics  # noqa: PLC0415
    from phr_api.commands.demo_visits import VISITS  # noqa: PLC0415
    from phr_api.commands.login import demo_system  # noqa: PLC0415
    from phr_api.records import take_in, work_once  # noqa: PLC0415
    from phr_api.records.models import WorkKind  # noqa: PLC0415
    from phr_api.records.problems import FileInProgress  # noqa: PLC0415

    with command_database() as settings:
        if not settings.is_development:
            raise click.UsageError("demo people belong in a database with PHR_ENV=development")
        _directory()
        seed_clinics()
        _staff(settings)
        for facility, file in demo.demo_files(VISITS).items():
            try:
                taken = take_in(io.BytesIO(file), facility)
            except FileInProgress:  # an earlier seed was stopped in the middle of this file
                while work_once(WorkKind.FILE, Event()):
                    pass
                continue
            if taken.is_refused:
                raise click.ClickException(f"the demo visits of {facility} were refused")
            click.echo(f"{facility}: {len(taken.entries)} visits, {taken.counts}")
        _carer(settings)
    demo_system(settings)


def _directory() -> None:
    from phr_api.clinics import load_demo_codes, save_facilities  # noqa: PLC0415
    from phr_api.commands import demo  # noqa: PLC0415
    from phr_api.kit.db import unit_of_work  # noqa: PLC0415

    with unit_of_work() as session:
        save_facilities(session, demo.FACILITIES)
        load_demo_codes(session)


def _issuer(settings: "Settings", audience: str) -> str:
    return next(one.issuer for one in settings.providers if one.audience == audience)


def _staff(settings: "Settings") -> None:
    from phr_api.devprovider.people import PEOPLE  # noqa: PLC0415
    from phr_api.identity.service import staff  # noqa: PLC0415
    from phr_api.kit.db import unit_of_work  # noqa: PLC0415

    for person in PEOPLE:
        for facility, role in person.memberships:
            with unit_of_work() as session:
                staff.add(
                    session,
                    facility_code=facility,
                    role=role,
                    issuer=_issuer(settings, "staff"),
                    subject=person.subject,
                    name=person.name,
                )


def _carer(settings: "Settings") -> None:
    """Let the demo parent open the child's book, as an operator who has seen the documents.

    That asks for an account that is linked to the parent, which only a sign-in makes.
    """
    from phr_api import worker  # noqa: PLC0415
    from phr_api.consent.problems import AlreadyCarer, CarerNotFound  # noqa: PLC0415

    try:
        try:
            _record_carer()
        except CarerNotFound:
            _first_sign_in(settings)
            worker.configure(settings)
            _record_carer()
    except AlreadyCarer:
        return


def _record_carer() -> None:
    from phr_api import audit  # noqa: PLC0415
    from phr_api.consent.carers import NewCarer, SeenPerson, record_carer  # noqa: PLC0415
    from phr_api.devprovider.people import CARER, CHILD  # noqa: PLC0415
    from phr_api.kit.db import unit_of_work  # noqa: PLC0415

    child, carer = (
        SeenPerson(
            number=str(person.citizen_number),
            full_name=person.name,
            birth=str(person.born_on),
        )
        for person in (CHILD, CARER)
    )
    with unit_of_work() as session:
        record_carer(
            session,
            audit.Actor(kind="operator", id=None),
            NewCarer(
                child=child,
                carer=carer,
                relation="father",
                powers=["see", "book", "join", "share"],
                reason="Giấy khai sinh (dữ liệu thử)",
            ),
        )


def _first_sign_in(settings: "Settings") -> None:
    """Sign the demo parent in the way an app does; afterwards this process is bound as the web."""
    import httpx  # noqa: PLC0415

    from phr_api.app import create_app  # noqa: PLC0415
    from phr_api.commands.login import sign_in_as  # noqa: PLC0415

    ours = httpx.WSGITransport(app=create_app(settings))
    theirs = {f"http://{LOOPBACK}:{settings.provider_port}": httpx.HTTPTransport()}
    with (
        _provider(settings.provider_port),
        httpx.Client(transport=ours, mounts=theirs, base_url=settings.public_url) as http,
    ):
        sign_in_as(http, "carer")


def _provider(port: int) -> AbstractContextManager[object]:
    """Run the local providers, unless `make run` does."""
    from phr_api.devprovider.server import running  # noqa: PLC0415

    with socket.socket() as probe:
        is_up = probe.connect_ex((LOOPBACK, port)) == 0
    return nullcontext() if is_up else running(port=port)
