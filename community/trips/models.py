"""The tables of trips: where they go, who leads and who accompanies, who goes along, and who was counted where."""

import uuid
from datetime import datetime, timedelta
from typing import Any, ClassVar, Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, ExcludeConstraint
from sqlmodel import Field

from app.core.lawfulness import Basis, Recipient, Retention, Sensitive, years
from app.core.tables import Privacy, Table, instant, jsonb, optional_instant, sealed, table_of

NEEDS: Final = "community_trip_participant.needs"
CONTACTS: Final = "community_trip_participant.contacts"
CHANGE_NOTE: Final = "community_trip_change.note"
MARK_NOTE: Final = "community_trip_mark.note"

_STATES: Final = "('held', 'waiting', 'offered', 'going', 'missing', 'left', 'expired', 'cancelled', 'called_off')"
_OFF: Final = "state IN ('expired', 'cancelled', 'called_off')"
_THEIRS: Final = "state IN ('held', 'going', 'missing', 'left')"
_WITH_PLACE: Final = "state IN ('held', 'offered', 'going', 'missing', 'left')"


def _going_along(purpose: str, retention: Retention, **options: Any) -> Privacy:
    return Privacy(
        subject="resident_id",
        subject_kind="resident",
        purpose=purpose,
        basis=Basis.CONTRACT,
        retention=retention,
        sensitive=Sensitive.CARE,
        recipients=(Recipient.GRANTED, Recipient.SERVING),
        **options,
    )


class Trip(Table, table=True):
    """An outing: when, for how many, until when one signs up, what it costs, and how it stands."""

    __tablename__ = "community_trip"
    privacy: ClassVar[Privacy] = Privacy(
        subject=None,
        purpose="describes what an organization arranges: nobody's data",
        basis=None,
        retention=Retention.pruned(years(3), "ends_at"),
        erasure="keep",
    )
    __table_args__ = (
        sa.CheckConstraint("state IN ('draft', 'open', 'called_off', 'over')", name="state"),
        sa.CheckConstraint("sign_up_until <= starts_at AND starts_at < ends_at", name="period"),
        sa.CheckConstraint("price_amount >= 0 AND tax_rate BETWEEN 0 AND 10000", name="price"),
        sa.CheckConstraint("late_percent BETWEEN 0 AND 100 AND notice_period >= interval '0'", name="terms"),
        sa.CheckConstraint("currency ~ '^[A-Z]{3}$'", name="currency"),
        sa.CheckConstraint(
            "call_off_reason IN ('weather', 'too_few', 'no_bus', 'no_leader', 'other')", name="call_off_reason"
        ),
        sa.CheckConstraint("(state = 'called_off') = (call_off_reason IS NOT NULL)", name="calling_off_has_a_reason"),
        # A trip that goes has a moment at which somebody sees to it that all are back.
        sa.CheckConstraint("(close_at IS NOT NULL) = (state = 'open')", name="an_open_one_has_a_deadline"),
        sa.Index("ix_community_trip_close_at", "close_at", postgresql_where=sa.text("close_at IS NOT NULL")),
        sa.Index(
            "ix_community_trip_ahead", "community_id", "starts_at", "id", postgresql_where=sa.text("state = 'open'")
        ),
        sa.Index("ix_community_trip_organization_id", "organization_id", "starts_at", "id"),
        sa.Index("ix_community_trip_ends_at", "ends_at"),
    )

    community_id: uuid.UUID
    organization_id: uuid.UUID = Field(foreign_key="identity_organization.id")
    title: dict[str, str] = jsonb(description="by language: en, zh-CN")
    description: dict[str, str] = jsonb(default_factory=dict, description="by language")
    state: str = "draft"
    starts_at: datetime = instant(description="when the bus leaves the first stop")
    ends_at: datetime = instant(description="when all are back at the last")
    time_zone: str
    sign_up_until: datetime = instant()
    seat_pool_id: uuid.UUID = Field(description="the seats of the bus, in app.reservations")
    wheelchair_pool_id: uuid.UUID = Field(description="the places for wheelchairs")
    price_amount: int = Field(sa_type=sa.BigInteger, description="minor units, for each who goes along; 0: free")
    currency: str = Field(max_length=3)
    tax_rate: int = Field(default=0, sa_type=sa.SmallInteger, description="in ten-thousandths, within the price")
    notice_period: timedelta = Field(sa_type=sa.Interval, description="so long before it is called off freely")
    late_percent: int = Field(sa_type=sa.SmallInteger, description="hundredths that calling off later costs")
    close_at: datetime | None = optional_instant(description="when the line ends, and then when all should be back")
    call_off_reason: str | None = None


class TripStop(Table, table=True):
    """Where a trip stops, when it leaves from there, and whether everybody was counted before it did.

    At the last one all get off: it leaves for nowhere, and everybody is counted all the same.
    """

    __tablename__ = "community_trip_stop"
    privacy: ClassVar[Privacy] = Privacy(
        subject=None,
        purpose="the places and times of an outing, and whether its leaders have counted: nobody's data",
        basis=None,
        retention=Retention.with_row("community_trip"),
        erasure="keep",
    )
    __table_args__ = (
        sa.UniqueConstraint("trip_id", "position"),
        sa.CheckConstraint("roll_state IN ('ahead', 'begun', 'done')", name="roll_state"),
        sa.CheckConstraint("arrives_at IS NULL OR arrives_at <= departs_at", name="times"),
        sa.CheckConstraint("look_at IS NULL OR roll_state <> 'done'", name="a_done_one_is_not_looked_at"),
        sa.Index("ix_community_trip_stop_look_at", "look_at", postgresql_where=sa.text("look_at IS NOT NULL")),
    )

    trip_id: uuid.UUID = Field(foreign_key="community_trip.id")
    community_id: uuid.UUID
    position: int = Field(sa_type=sa.SmallInteger, description="1 is where all get on")
    name: dict[str, str] = jsonb(description="by language: en, zh-CN")
    attraction_id: uuid.UUID | None = Field(default=None, foreign_key="community_attraction.id")
    address: str | None = None
    latitude: float | None = None
    longitude: float | None = None
    arrives_at: datetime | None = optional_instant()
    departs_at: datetime = instant(description="of the last stop: when all are there")
    roll_state: str = "ahead"
    look_at: datetime | None = optional_instant(description="when somebody sees to it that everybody is counted")
    look_step: int = Field(default=0, sa_type=sa.SmallInteger, description="how often somebody was reminded")
    done_at: datetime | None = optional_instant()
    done_by: uuid.UUID | None = Field(default=None, description="empty: Hearthline, when the time was over")


class TripLeader(Table, table=True):
    """Who leads a trip: somebody of the organization, who counts and is called first."""

    __tablename__ = "community_trip_leader"
    privacy: ClassVar[Privacy] = Privacy(
        subject="account_id",
        purpose="to say who is responsible for those who go along",
        basis=Basis.CONTRACT,
        retention=Retention.with_row("community_trip"),
        recipients=(Recipient.EMPLOYER,),
        also=("named_by",),
    )
    __table_args__ = (
        sa.UniqueConstraint("trip_id", "account_id"),
        sa.Index("ix_community_trip_leader_account_id", "account_id"),
        sa.Index("ix_community_trip_leader_named_by", "named_by"),
    )

    trip_id: uuid.UUID = Field(foreign_key="community_trip.id")
    account_id: uuid.UUID
    named_by: uuid.UUID


class TripParticipant(Table, table=True):
    """A resident who goes along, or would like to: their place, its money, what they need, and how they are."""

    __tablename__ = "community_trip_participant"
    privacy: ClassVar[Privacy] = _going_along(
        "to take somebody along, with what they need on the way, and to miss them if they are not there",
        Retention.pruned(years(3), "ends_at"),
        erasure="redact",
        redacted=("needs", "contacts"),
        also=("signed_up_by",),
    )
    __table_args__ = (
        # Nobody is on two trips at once; see app/reservations for how ids stand in such a constraint. Whoever travels
        # stays in it whatever is said of where they are: counting never fails by it.
        ExcludeConstraint(
            (sa.literal_column("uuidrange(resident_id, resident_id, '[]')"), "&&"),
            (sa.literal_column("tstzrange(starts_at, ends_at, '[)')"), "&&"),
            where=sa.text(_THEIRS),
            using="gist",
            name="ex_community_trip_participant_one_at_a_time",
        ),
        sa.CheckConstraint(f"state IN {_STATES}", name="state"),
        sa.CheckConstraint("place IN ('seat', 'wheelchair')", name="place"),
        sa.CheckConstraint("companion IN ('none', 'own', 'volunteer', 'worker')", name="companion"),
        sa.CheckConstraint("payment_method IN ('free', 'card', 'provider')", name="payment_method"),
        sa.CheckConstraint("(payment_method = 'card') = (payment_method_id IS NOT NULL)", name="a_card_is_named"),
        sa.CheckConstraint("total_amount >= 0 AND fee_amount BETWEEN 0 AND total_amount", name="amounts"),
        sa.CheckConstraint(f"(cardinality(allocation_ids) > 0) = ({_WITH_PLACE})", name="whoever_goes_has_a_place"),
        sa.CheckConstraint("cancelled_by IN ('resident', 'organizer', 'operator', 'hearthline')", name="cancelled_by"),
        sa.CheckConstraint(
            "cancel_reason IN ('changed_mind', 'unwell', 'other_plans', 'not_suitable', 'other', 'resident_left')",
            name="cancel_reason",
        ),
        sa.CheckConstraint("(state = 'cancelled') = (cancel_reason IS NOT NULL)", name="cancelling_has_a_reason"),
        # Whoever waits for something, or is waited for, has a moment at which somebody looks after it.
        sa.CheckConstraint("(hold_until IS NOT NULL) = (state = 'held')", name="one_held_has_a_deadline"),
        sa.CheckConstraint("(answer_by IS NOT NULL) = (state = 'offered')", name="one_offered_has_a_deadline"),
        sa.CheckConstraint(
            "(look_at IS NOT NULL) = (state = 'missing') AND (missing_since IS NOT NULL) = (state = 'missing')",
            name="one_missing_has_a_deadline",
        ),
        *(
            sa.Index(
                f"ix_community_trip_participant_{column}", column, postgresql_where=sa.text(f"{column} IS NOT NULL")
            )
            for column in ("hold_until", "answer_by", "look_at", "call_off_at")
        ),
        sa.Index(
            "uq_community_trip_participant_once",
            "trip_id",
            "resident_id",
            unique=True,
            postgresql_where=sa.text(f"NOT ({_OFF})"),
        ),
        sa.Index(
            "ix_community_trip_participant_waiting",
            "trip_id",
            "waiting_since",
            "id",
            postgresql_where=sa.text("state = 'waiting'"),
        ),
        sa.Index("ix_community_trip_participant_trip_id", "trip_id", "id"),
        sa.Index("ix_community_trip_participant_resident_id", "resident_id", "starts_at", "id"),
        sa.Index("ix_community_trip_participant_signed_up_by", "signed_up_by"),
        sa.Index("ix_community_trip_participant_ends_at", "ends_at"),
        {"postgresql_with": {"fillfactor": 80}},
    )

    community_id: uuid.UUID
    organization_id: uuid.UUID
    trip_id: uuid.UUID = Field(foreign_key="community_trip.id")
    resident_id: uuid.UUID = Field(foreign_key="identity_resident.id")
    account_id: uuid.UUID = Field(description="of the resident")
    signed_up_by: uuid.UUID = Field(description="the account: theirs, or of whoever may sign them up")
    starts_at: datetime = instant(description="of the trip")
    ends_at: datetime = instant(description="of the trip")
    state: str
    place: str
    companion: str = "none"
    seats: int = Field(sa_type=sa.SmallInteger, description="how many seats are taken, a companion's with them")
    allocation_ids: list[uuid.UUID] = Field(default_factory=list, sa_type=ARRAY(sa.Uuid), nullable=False)
    waiting_since: datetime | None = optional_instant(description="since when they stand in the line, if they did")
    needs: str | None = sealed(default=None, description="JSON: wheelchair, companion, diet, what else is to be known")
    contacts: str | None = sealed(default=None, description="JSON: whom to call in an emergency")
    total_amount: int = Field(sa_type=sa.BigInteger, description="minor units, as agreed")
    currency: str = Field(max_length=3)
    payment_method: str
    payment_method_id: uuid.UUID | None = None
    fee_amount: int = Field(default=0, sa_type=sa.BigInteger, description="for calling off late")
    hold_until: datetime | None = optional_instant(description="when what is not paid for is let go")
    answer_by: datetime | None = optional_instant(description="when a place that was offered is offered to the next")
    call_off_at: datetime | None = optional_instant(description="when they are told that the whole trip is off")
    look_at: datetime | None = optional_instant(description="when somebody hears again that they are missing")
    look_step: int = Field(default=0, sa_type=sa.SmallInteger)
    cancelled_by: str | None = None
    cancel_reason: str | None = None
    seen_position: int = Field(default=0, sa_type=sa.SmallInteger, description="the last stop they were counted at")
    seen_at: datetime | None = optional_instant(description="when something was last said of where they are")
    missing_since: datetime | None = optional_instant()
    missing_position: int | None = Field(
        default=None, sa_type=sa.SmallInteger, description="the stop nobody counted them at; empty: somebody said so"
    )


class TripVolunteer(Table, table=True):
    """Somebody who would accompany one who goes along, without money; the organizer says whether they may."""

    __tablename__ = "community_trip_volunteer"
    privacy: ClassVar[Privacy] = Privacy(
        subject="account_id",
        purpose="to give somebody who needs it a companion on the way",
        basis=Basis.CONSENT,
        retention=Retention.with_row("community_trip"),
        recipients=(Recipient.GRANTED, Recipient.SERVING),
    )
    __table_args__ = (
        sa.UniqueConstraint("trip_id", "account_id"),
        sa.CheckConstraint("state IN ('offered', 'accepted', 'declined', 'withdrawn')", name="state"),
        sa.CheckConstraint("participant_id IS NULL OR state = 'accepted'", name="only_who_may_accompanies"),
        sa.Index(
            "uq_community_trip_volunteer_participant_id",
            "participant_id",
            unique=True,
            postgresql_where=sa.text("participant_id IS NOT NULL"),
        ),
        sa.Index("ix_community_trip_volunteer_account_id", "account_id"),
    )

    trip_id: uuid.UUID = Field(foreign_key="community_trip.id")
    community_id: uuid.UUID
    account_id: uuid.UUID
    state: str = "offered"
    participant_id: uuid.UUID | None = Field(default=None, description="whom they accompany")
    decided_by: uuid.UUID | None = None
    decided_at: datetime | None = optional_instant()


class TripChange(Table, table=True):
    """A change of how somebody's going along stands: written once, never changed."""

    __tablename__ = "community_trip_change"
    privacy: ClassVar[Privacy] = _going_along(
        "to show who changed what about somebody's trip, and when",
        Retention.with_row("community_trip_participant"),
        erasure="redact",
        redacted=("note",),
    )
    __table_args__ = (
        sa.CheckConstraint(f"to_state IN {_STATES}", name="to_state"),
        sa.CheckConstraint("who IN ('resident', 'leader', 'organizer', 'operator', 'hearthline')", name="who"),
        sa.Index("ix_community_trip_change_participant_id", "participant_id", "id"),
        sa.Index("ix_community_trip_change_resident_id", "resident_id"),
    )

    participant_id: uuid.UUID = Field(foreign_key="community_trip_participant.id")
    resident_id: uuid.UUID
    transition: str = Field(description="as the table of them is called; sign_up: how it began")
    from_state: str | None = None
    to_state: str
    who: str
    changed_by: uuid.UUID | None = Field(default=None, description="empty: Hearthline itself")
    reason: str | None = Field(default=None, description="a code")
    note: str | None = sealed(default=None)


class TripMark(Table, table=True):
    """What a leader wrote of somebody at a stop: kept under the list's own number, so that it counts once."""

    __tablename__ = "community_trip_mark"
    privacy: ClassVar[Privacy] = _going_along(
        "to know who was counted where, by whom, however late the list arrives",
        Retention.with_row("community_trip_participant"),
        erasure="redact",
        redacted=("note",),
        also=("marked_by",),
    )
    __table_args__ = (
        sa.UniqueConstraint("trip_id", "nonce"),
        sa.CheckConstraint("mark IN ('present', 'missing', 'left')", name="mark"),
        sa.CheckConstraint("outcome IN ('applied', 'superseded', 'not_travelling')", name="outcome"),
        sa.Index("ix_community_trip_mark_participant_id", "participant_id", "marked_at", "id"),
        sa.Index("ix_community_trip_mark_resident_id", "resident_id"),
        sa.Index("ix_community_trip_mark_marked_by", "marked_by"),
    )

    trip_id: uuid.UUID
    stop_id: uuid.UUID
    participant_id: uuid.UUID = Field(foreign_key="community_trip_participant.id")
    resident_id: uuid.UUID
    nonce: uuid.UUID
    mark: str
    marked_at: datetime = instant(description="by our clock, as far as the list's can be told from it")
    marked_by: uuid.UUID
    outcome: str
    note: str | None = sealed(default=None)


TRIPS, STOPS, LEADERS = table_of(Trip), table_of(TripStop), table_of(TripLeader)
PARTICIPANTS, VOLUNTEERS = table_of(TripParticipant), table_of(TripVolunteer)
CHANGES, MARKS = table_of(TripChange), table_of(TripMark)
