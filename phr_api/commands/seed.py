"""`phr-api seed`, which `make run` calls once."""

import io
from threading import Event
from typing import TYPE_CHECKING
from uuid import UUID

import click

from phr_api.commands.environment import command_database

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from phr_api.settings import Settings


@click.command()
def seed() -> None:
    """Fill a development database with fictional people, once.

    Facilities 99001 to 99003, code lists, staff, a hospital's system, a citizen with a book of
    three years, and a child with a parent as carer. The visits come as hospitals' files through
    the real intake, so running it again changes nothing.
    """
    from phr_api.commands import demo  # noqa: PLC0415 - `--help` stays fast
    from phr_api.commands.demo_visits import VISITS  # noqa: PLC0415
    from phr_api.commands.login import demo_system  # noqa: PLC0415
    from phr_api.records import take_in, work_once  # noqa: PLC0415
    from phr_api.records.models import WorkKind  # noqa: PLC0415
    from phr_api.records.problems import FileInProgress  # noqa: PLC0415

    with command_database() as settings:
        if not settings.is_development:
            raise click.UsageError("demo people belong in a database with PHR_ENV=development")
        _directory()
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
    """Let the demo parent's account, which exists before its first sign-in, open the child's book.

    A desk records a carer by documents and asks for an account that is linked already; here the
    first sign-in links it, so the row is written as an operator would.
    """
    from datetime import datetime, time  # noqa: PLC0415

    from sqlalchemy import select, text  # noqa: PLC0415

    from phr_api.consent.models import Carer  # noqa: PLC0415
    from phr_api.devprovider.people import CARER, CHILD, FACILITY  # noqa: PLC0415
    from phr_api.kit import clock  # noqa: PLC0415
    from phr_api.kit.db import set_scope, unit_of_work  # noqa: PLC0415
    from phr_api.kit.ids import new_public_id, new_row_id  # noqa: PLC0415

    at = clock.now()
    with unit_of_work() as session:
        account_id: UUID = session.execute(
            text("SELECT staff_account(:id, :issuer, :subject, :at)"),
            {
                "id": new_public_id(),
                "issuer": _issuer(settings, "citizen"),
                "subject": CARER.subject,
                "at": at,
            },
        ).scalar_one()
        child_id = _profile_of(session, "DEMO.25.000101")
        set_scope(session, profile_id=child_id, sections=["profile"], classes=[])
        if session.scalar(select(Carer.id).where(Carer.account_id == account_id)):
            return
        born = CHILD.born_on
        if born is None:
            raise ValueError("the demo child has a birth date")
        session.add(
            Carer(
                id=new_row_id(),
                profile_id=child_id,
                account_id=account_id,
                relation="father",
                powers=["see", "book", "join", "share"],
                starts_at=at,
                ends_at=datetime.combine(born.replace(year=born.year + 18), time(), clock.VIETNAM),
                recorded_by=None,
                facility_code=FACILITY,
                reason="Giấy khai sinh (dữ liệu thử)",
                created_at=at,
            )
        )


def _profile_of(session: "Session", visit: str) -> UUID:
    from sqlalchemy import select  # noqa: PLC0415

    from phr_api.devprovider.people import FACILITY  # noqa: PLC0415
    from phr_api.kit.db import set_scope  # noqa: PLC0415
    from phr_api.records.models import ReceivedVisit  # noqa: PLC0415

    set_scope(session, facility_id=FACILITY)
    profile_id = session.scalar(
        select(ReceivedVisit.profile_id).where(
            ReceivedVisit.facility_code == FACILITY,
            ReceivedVisit.ma_lk == visit,
            ReceivedVisit.state == "current",
        )
    )
    if profile_id is None:
        raise click.ClickException("a demo visit is in nobody's book")
    return profile_id
