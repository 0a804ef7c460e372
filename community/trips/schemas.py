"""What is said of trips and of those who go along, and what each side sees of it."""

import uuid
from datetime import datetime, timedelta
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from app.core.instants import GivenInstant
from community.housekeeping.schemas import Amount, Description, Latitude, Line, Longitude, Name
from community.trips.rules import (
    CallOffReason,
    CancelReason,
    Companion,
    Mark,
    Method,
    Place,
    RollState,
    Side,
    State,
    TripState,
    Who,
)

MOST_MARKS = 1000
Words = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500)]
Phone = Annotated[str, StringConstraints(strip_whitespace=True, pattern=r"^\+?[0-9][0-9 ()/-]{4,29}$")]
Places = Annotated[int, Field(ge=0, le=500, strict=True)]


class _Given(BaseModel):
    model_config = ConfigDict(extra="forbid")


class StopGive(_Given):
    """Where a trip stops. At the first all get on, at the last all get off."""

    name: Name
    attraction_id: uuid.UUID | None = Field(default=None, description="what is visited there, if it is published")
    address: Line | None = None
    latitude: Latitude | None = Field(default=None, description="without it: the attraction's")
    longitude: Longitude | None = None
    arrives_at: GivenInstant | None = None
    departs_at: GivenInstant = Field(description="of the last: when all are there")

    @model_validator(mode="after")
    def _is_in_order(self) -> Self:
        if self.arrives_at is not None and self.arrives_at > self.departs_at:
            raise ValueError("it leaves after it has arrived")
        if (self.latitude is None) != (self.longitude is None):
            raise ValueError("a place has a latitude and a longitude")
        return self


class TripWrite(_Given):
    """A trip as it is planned."""

    title: Name
    description: Description | None = None
    stops: Annotated[list[StopGive], Field(min_length=2, max_length=20)]
    sign_up_until: GivenInstant
    seats: Annotated[int, Field(ge=1, le=500, strict=True)]
    wheelchair_places: Places = 0
    price: Amount = 0
    tax_rate: Annotated[int, Field(ge=0, le=10_000, strict=True, description="ten-thousandths")] = 0
    notice_period: Annotated[timedelta, Field(ge=timedelta(), le=timedelta(days=60))] = timedelta(days=2)
    late_percent: Annotated[int, Field(ge=0, le=100, strict=True)] = 0
    leader_ids: Annotated[list[uuid.UUID], Field(max_length=10)] = Field(
        default=[], description="accounts of the organization's people"
    )

    @model_validator(mode="after")
    def _is_in_order(self) -> Self:
        times = [time for stop in self.stops for time in (stop.arrives_at, stop.departs_at) if time is not None]
        leaves = [stop.departs_at for stop in self.stops]
        if times != sorted(times) or leaves[0] >= leaves[-1]:
            raise ValueError("each stop is later than the one before it")
        if self.sign_up_until > self.stops[0].departs_at:
            raise ValueError("one signs up before the bus leaves")
        if leaves[-1] - leaves[0] > timedelta(days=14):
            raise ValueError("a trip takes two weeks at most")
        return self


class CapacityGive(_Given):
    """How many can go along from now on."""

    seats: Annotated[int, Field(ge=1, le=500, strict=True)]
    wheelchair_places: Places


class LeadersGive(_Given):
    """Who leads a trip from now on."""

    leader_ids: Annotated[list[uuid.UUID], Field(min_length=1, max_length=10)]


class CallOffGive(_Given):
    """Why a trip does not take place."""

    reason: CallOffReason


class NeedsGive(_Given):
    """What somebody needs on the way; sealed, and shown to the organizer and the leaders of the trip alone."""

    wheelchair: bool = Field(default=False, description="they sit in it on the bus: a place for one is taken")
    companion: bool = Field(default=False, description="they do not go along alone")
    diet: Words | None = None
    note: Words | None = None


class ContactGive(_Given):
    """Whom to call in an emergency; with their account they are told by Hearthline as well."""

    name: Line
    phone: Phone
    relationship: Line | None = None
    account_id: uuid.UUID | None = None


class SignUpTerms(_Given):
    """What somebody needs, whom to call, and how it is paid."""

    total: Amount = Field(description="minor units, as shown: whoever signs up agrees to this, and to nothing else")
    needs: NeedsGive = NeedsGive()
    contacts: Annotated[list[ContactGive], Field(min_length=1, max_length=3)]
    payment_method: Method = "free"
    payment_method_id: uuid.UUID | None = Field(default=None, description="of the card")

    @model_validator(mode="after")
    def _names_the_card(self) -> Self:
        if (self.payment_method == "card") != (self.payment_method_id is not None):
            raise ValueError("a card is named exactly where one pays by card")
        if (self.payment_method == "free") != (self.total == 0):
            raise ValueError("what costs nothing is not paid, and anything else is")
        return self


class TripSignUp(SignUpTerms):
    """That somebody goes along, alone or with somebody of their own."""

    trip_id: uuid.UUID
    with_companion: bool = Field(default=False, description="somebody of their own comes along, and has a seat")
    waits: bool = Field(default=False, description="where there is no place, they wait for one")


class ParticipationCancel(_Given):
    """Why somebody does not go along."""

    reason: Literal["changed_mind", "unwell", "other_plans", "not_suitable", "other"]
    note: Words | None = None


class VolunteerDecide(_Given):
    """Whether somebody may accompany one who goes along."""

    is_accepted: bool


class MarkGive(_Given):
    """What a leader wrote of somebody; the nonce is made by the list, once, and never again."""

    nonce: uuid.UUID
    participation_id: uuid.UUID
    mark: Mark
    marked_at: GivenInstant = Field(description="by the list's own clock")
    note: Words | None = None


class RollCallGive(_Given):
    """A list of a stop, or a part of it, written there and sent whenever there is a network."""

    marks: Annotated[list[MarkGive], Field(max_length=MOST_MARKS)] = []
    is_complete: bool = Field(default=False, description="whoever is on no list by now is missing")
    sent_at: GivenInstant = Field(description="by the list's own clock: by how much that differs is reckoned with")


class StopPublic(BaseModel):
    """Where a trip stops."""

    id: uuid.UUID
    position: int
    name: Name
    attraction_id: uuid.UUID | None
    address: str | None
    latitude: float | None
    longitude: float | None
    arrives_at: datetime | None
    departs_at: datetime


class TripPublic(BaseModel):
    """A trip as everybody of the community sees it."""

    id: uuid.UUID
    organization_id: uuid.UUID
    organizer: str = Field(description="what the organization is called")
    title: Name
    description: dict[Literal["en", "zh-CN"], str]
    state: TripState
    starts_at: datetime
    ends_at: datetime
    time_zone: str
    sign_up_until: datetime
    seats: int
    seats_left: int
    wheelchair_places: int
    wheelchair_places_left: int
    price: int = Field(description="minor units")
    currency: str
    free_until: datetime = Field(description="until when it is called off freely")
    late_percent: int = Field(description="hundredths of the price that calling off later costs")
    call_off_reason: CallOffReason | None
    stops: list[StopPublic]
    version: int


class LeaderPublic(BaseModel):
    """Who leads a trip."""

    account_id: uuid.UUID
    name: str


class VolunteerPublic(BaseModel):
    """Who would accompany somebody."""

    id: uuid.UUID
    account_id: uuid.UUID
    name: str
    state: Literal["offered", "accepted", "declined", "withdrawn"]
    participation_id: uuid.UUID | None = Field(description="whom they accompany")


class RollStanding(BaseModel):
    """How counting stands at a stop."""

    stop_id: uuid.UUID
    position: int
    state: RollState
    done_at: datetime | None


class TripDetail(TripPublic):
    """A trip with what its organizer and its leaders see."""

    sides: list[Side]
    leaders: list[LeaderPublic]
    volunteers: list[VolunteerPublic]
    roll_calls: list[RollStanding]


class ParticipationPublic(BaseModel):
    """How somebody's going along stands, as everybody sees it who may know of it."""

    id: uuid.UUID
    trip_id: uuid.UUID
    resident_id: uuid.UUID
    state: State
    title: Name
    starts_at: datetime
    ends_at: datetime
    place: Place
    companion: Companion
    ahead: int | None = Field(description="how many stand before them in the line, while they wait")
    hold_until: datetime | None
    answer_by: datetime | None = Field(description="until when a place is kept for them")
    total: int = Field(description="minor units")
    currency: str
    payment_method: Method
    fee: int = Field(description="minor units that were owed for calling off late")
    free_until: datetime
    version: int


class ParticipationChangePublic(BaseModel):
    """A change of how it stands."""

    at: datetime
    transition: str
    state: State
    who: Who
    changed_by: uuid.UUID | None
    reason: str | None
    note: str | None


class ParticipationDetail(ParticipationPublic):
    """How somebody's going along stands, with all that the reader's side may see."""

    sides: list[Side]
    signed_up_by: uuid.UUID
    needs: NeedsGive | None
    contacts: int = Field(description="how many can be called in an emergency")
    volunteer: str | None = Field(description="what whoever accompanies them is called")
    cancelled_by: Who | None
    cancel_reason: CancelReason | None
    history: list[ParticipationChangePublic]


class TravellerPublic(BaseModel):
    """Somebody who goes along, as the organizer and the leaders see them."""

    participation_id: uuid.UUID
    resident_id: uuid.UUID
    name: str
    state: State
    place: Place
    companion: Companion
    volunteer: str | None
    needs: NeedsGive | None
    seen_position: int = Field(description="the last stop they were counted at; 0: none yet")
    missing_since: datetime | None


class RollCallPublic(RollStanding):
    """A stop's list: who is to be counted, and who is."""

    opens_at: datetime
    count_by: datetime
    people: list[TravellerPublic]


class MarkOutcome(BaseModel):
    """What became of a mark; the same for the same nonce, however often it is sent."""

    nonce: uuid.UUID
    outcome: Literal["applied", "superseded", "not_travelling", "unknown_participation"]


class RollCallTaken(BaseModel):
    """What became of a list, and who is missing now."""

    outcomes: list[MarkOutcome]
    state: RollState
    missing: list[uuid.UUID] = Field(description="participations of the trip")


class ContactPublic(BaseModel):
    """Whom to call; whoever sees it is on record."""

    name: str
    phone: str
    relationship: str | None


class ContactsPublic(BaseModel):
    """Whom to call in an emergency."""

    contacts: list[ContactPublic]
    until: datetime | None = Field(description="until when they are shown; empty: as long as they are missing")
