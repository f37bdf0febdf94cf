"""Who comes when: holds, bookings, their history, the waitlist."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Identity,
    Index,
    PrimaryKeyConstraint,
    Uuid,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from phr_api.kit.db import Base, Json, TextList, UuidPk


class Guest(Base):
    """Somebody whom a desk books by name, without an account; cleared after 90 days."""

    __tablename__ = "guest"
    __table_args__ = (Index("ix_guest_facility_code_created_at", "facility_code", "created_at"),)

    id: Mapped[UuidPk]
    facility_code: Mapped[str]
    full_name: Mapped[str]
    search_key: Mapped[str]
    phone: Mapped[str | None]
    birth: Mapped[str | None]
    sex: Mapped[str | None]
    created_by: Mapped[UUID]
    created_at: Mapped[datetime]


class Hold(Base):
    """Seats kept for a few minutes: a citizen's hold, an offer to the waitlist, a desk's."""

    __tablename__ = "hold"
    __table_args__ = (
        CheckConstraint("kind IN ('hold', 'offer', 'desk')", name="kind"),
        Index(
            "ix_hold_due",
            "expires_at",
            postgresql_where=text("booked_at IS NULL AND released_at IS NULL"),
        ),
        Index(
            "ix_hold_account_id",
            "account_id",
            postgresql_where=text("booked_at IS NULL AND released_at IS NULL"),
        ),
    )

    id: Mapped[UuidPk]
    account_id: Mapped[UUID | None]
    session_id: Mapped[UUID | None]
    facility_code: Mapped[str]
    service_id: Mapped[UUID]
    kind: Mapped[str]
    people: Mapped[list[UUID]] = mapped_column(ARRAY(Uuid), default=list)
    waitlist_entry_id: Mapped[UUID | None]
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    booked_at: Mapped[datetime | None]
    released_at: Mapped[datetime | None]


class Booking(Base):
    """An appointment, from the moment a seat is held for it on.

    One that is `held` is deleted when it lapses, and nothing else is.
    A proposal stands beside the state, with a second seat, until it is answered.
    """

    __tablename__ = "booking"
    __table_args__ = (
        CheckConstraint("proposal_by IN ('clinic', 'replan')", name="proposal_by"),
        CheckConstraint(
            "state IN ('held', 'requested', 'confirmed', 'declined', 'cancelled', 'no-show',"
            " 'arrived', 'in-room', 'done')",
            name="state",
        ),
        CheckConstraint(
            "source IN ('app', 'phone', 'desk', 'walk-in', 'waitlist', 'suggestion')", name="source"
        ),
        CheckConstraint("still_coming IN ('asked', 'yes')", name="still_coming"),
        CheckConstraint("(slot_id IS NULL) = (seat_no IS NULL)", name="seat"),
        CheckConstraint(
            "slot_id IS NOT NULL OR state NOT IN ('held', 'requested', 'confirmed')"
            " OR source = 'walk-in'",
            name="needs_seat",
        ),
        CheckConstraint(
            "num_nonnulls(proposed_slot_id, proposed_seat_no, proposed_starts_at, proposed_ends_at,"
            " proposal_until, proposal_by) IN (0, 6)",
            name="proposal",
        ),
        CheckConstraint("num_nonnulls(profile_id, guest_id) = 1 OR via_phone", name="whose"),
        Index(
            "uq_booking_held",
            "profile_id",
            "service_id",
            unique=True,
            postgresql_where=text("state = 'held'"),
        ),
        Index(
            "uq_booking_seat",
            "slot_id",
            "seat_no",
            unique=True,
            postgresql_where=text(
                "state IN ('held', 'requested', 'confirmed', 'arrived', 'in-room', 'done',"
                " 'no-show')"
            ),
        ),
        Index("ix_booking_profile_id_starts_at", "profile_id", "starts_at"),
        Index("ix_booking_facility_code_starts_at", "facility_code", "starts_at"),
        Index(
            "ix_booking_waiting",
            "facility_code",
            "state_at",
            postgresql_where=text("state = 'requested'"),
        ),
        Index("ix_booking_respond_by", "respond_by", postgresql_where=text("state = 'requested'")),
        Index(
            "ix_booking_proposal_until",
            "proposal_until",
            postgresql_where=text("proposal_until IS NOT NULL"),
        ),
        Index("ix_booking_hold_id", "hold_id", postgresql_where=text("state = 'held'")),
        Index("ix_booking_account_id", "account_id", postgresql_where=text("via_phone")),
    )

    id: Mapped[UuidPk]
    hold_id: Mapped[UUID | None]
    facility_code: Mapped[str]
    service_id: Mapped[UUID]
    profile_id: Mapped[UUID | None]
    account_id: Mapped[UUID | None]
    guest_id: Mapped[UUID | None] = mapped_column(ForeignKey("guest.id"))
    via_phone: Mapped[bool] = mapped_column(default=False)
    person_name: Mapped[str | None]
    person_birth: Mapped[str | None]
    person_sex: Mapped[str | None]
    person_phone: Mapped[str | None]
    card_number: Mapped[str | None]
    card_valid_until: Mapped[date | None]
    slot_id: Mapped[UUID | None]
    seat_no: Mapped[int | None]
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    proposed_slot_id: Mapped[UUID | None]
    proposed_seat_no: Mapped[int | None]
    proposed_starts_at: Mapped[datetime | None]
    proposed_ends_at: Mapped[datetime | None]
    proposal_until: Mapped[datetime | None]
    proposal_by: Mapped[str | None]
    state: Mapped[str]
    reason: Mapped[str | None]
    answers: Mapped[Json]
    classes: Mapped[TextList]
    source: Mapped[str] = mapped_column(default="app")
    respond_by: Mapped[datetime | None]
    desk_reminded_at: Mapped[datetime | None]
    declined_reason: Mapped[str | None]
    alternatives: Mapped[list[UUID]] = mapped_column(ARRAY(Uuid), default=list)
    cancelled_by: Mapped[str | None]
    is_late: Mapped[bool] = mapped_column(default=False)
    still_coming: Mapped[str | None]
    shows_names: Mapped[bool] = mapped_column(default=False)
    qr_secret: Mapped[str | None]
    sequence: Mapped[int] = mapped_column(default=0)
    version: Mapped[int] = mapped_column(default=1)
    created_at: Mapped[datetime]
    state_at: Mapped[datetime]


class BookingEvent(Base):
    """What happened to a booking, by whom; never changed."""

    __tablename__ = "booking_event"
    __table_args__ = (Index("ix_booking_event_booking_id", "booking_id", "id"),)

    id: Mapped[UuidPk]
    booking_id: Mapped[UUID]
    facility_code: Mapped[str]
    profile_id: Mapped[UUID | None]
    classes: Mapped[TextList]
    at: Mapped[datetime]
    from_state: Mapped[str | None]
    to_state: Mapped[str]
    what: Mapped[str]
    actor_kind: Mapped[str]
    actor_id: Mapped[UUID | None]
    actor_name: Mapped[str | None]
    note: Mapped[str | None]


class WaitlistEntry(Base):
    """A person waiting for a seat of a service; `place` is the order of coming."""

    __tablename__ = "waitlist_entry"
    __table_args__ = (
        CheckConstraint("part_of_day IN ('any', 'morning', 'afternoon')", name="part_of_day"),
        CheckConstraint(
            "state IN ('waiting', 'offered', 'booked', 'passed', 'left', 'ended')", name="state"
        ),
        Index(
            "uq_waitlist_entry_live",
            "profile_id",
            "service_id",
            unique=True,
            postgresql_where=text("state IN ('waiting', 'offered')"),
        ),
        Index(
            "ix_waitlist_entry_line",
            "service_id",
            "place",
            postgresql_where=text("state = 'waiting'"),
        ),
    )

    id: Mapped[UuidPk]
    place: Mapped[int] = mapped_column(BigInteger, Identity(always=True))
    profile_id: Mapped[UUID]
    account_id: Mapped[UUID]
    facility_code: Mapped[str]
    service_id: Mapped[UUID]
    from_on: Mapped[date]
    until_on: Mapped[date]
    part_of_day: Mapped[str] = mapped_column(default="any")
    classes: Mapped[TextList]
    state: Mapped[str]
    hold_id: Mapped[UUID | None]
    offer_until: Mapped[datetime | None]
    offers: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[datetime]
    version: Mapped[int] = mapped_column(default=1)


class BookingDue(Base):
    """A reminder to be sent; deleted when it was, or when the booking ended."""

    __tablename__ = "booking_due"
    __table_args__ = (
        CheckConstraint("what IN ('remind-day', 'remind-2h', 'still-coming')", name="what"),
        PrimaryKeyConstraint("booking_id", "what"),
        Index("ix_booking_due_due_at", "due_at"),
    )

    booking_id: Mapped[UUID]
    what: Mapped[str]
    due_at: Mapped[datetime]
