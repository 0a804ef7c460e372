"""What people say of orders: what they want, why they call it off, what they did."""

import uuid
from datetime import datetime, timedelta
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, NaiveDatetime, StringConstraints, model_validator

from app.core.instants import FIRST_YEAR, LAST_YEAR, GivenInstant
from community.housekeeping.schemas import Amount, Code, Duration, Latitude, Longitude, OptionWanted, codes_once
from community.orders.rules import EXTRA_MOST, LONGEST_FLEXIBILITY, Method, Sex

Words = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=300)]
LongWords = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=2000)]
DoorCode = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100)]
LanguageTag = Annotated[str, StringConstraints(pattern=r"^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*$", max_length=35)]
Settable = Literal["hours", "area", "language", "sex"]
"""What a coordinator may set aside; what somebody must be able to, nobody may."""
Obstacle = Literal["skill", "hours", "area", "language", "sex"]


def _on_a_wall(value: datetime) -> datetime:
    if not FIRST_YEAR <= value.year <= LAST_YEAR:
        raise ValueError(f"lies outside of {FIRST_YEAR} to {LAST_YEAR}")
    return value


WallTime = Annotated[NaiveDatetime, AfterValidator(_on_a_wall)]


class _Given(BaseModel):
    model_config = ConfigDict(extra="forbid")


class _Done(_Given):
    """Something that was done at a home, where there may be no network."""

    occurred_at: GivenInstant | None = Field(
        default=None, description="when it was, if the phone had no network: at most a day back; without it: now"
    )


class SetOutGive(_Done):
    """Whoever comes sets out."""


class OrderTerms(_Given):
    """What is ordered and how it is paid, whenever it is."""

    offer_id: uuid.UUID
    offer_version: Annotated[int, Field(ge=1, strict=True)] = Field(description="as quoted")
    total: Amount = Field(description="minor units, as quoted: whoever orders agrees to this, and to nothing else")
    options: Annotated[list[OptionWanted], Field(max_length=30), codes_once] = []
    payment_method: Method
    payment_method_id: uuid.UUID | None = Field(default=None, description="of the card")
    wished_worker_id: uuid.UUID | None = Field(default=None, description="the account of whoever should come")
    wished_languages: Annotated[list[LanguageTag], Field(max_length=5)] = []
    wished_sex: Sex | None = None
    instructions: LongWords | None = None
    door_code: DoorCode | None = Field(default=None, description="shown to whoever comes, around the visit only")

    @model_validator(mode="after")
    def _names_the_card(self) -> Self:
        if (self.payment_method == "card") != (self.payment_method_id is not None):
            raise ValueError("a card is named exactly where one pays by card")
        return self


class OrderCreate(OrderTerms):
    """An order as it was quoted. Either the instant at which it begins is said, or the time on the community's wall."""

    starts_at: GivenInstant | None = None
    starts_local: WallTime | None = Field(
        default=None, description="a time that a spring night skips moves by the gap; one that comes twice is its first"
    )
    duration: Duration | None = Field(default=None, description="by the hour; without it: the shortest")
    flexibility: Annotated[timedelta, Field(ge=timedelta(), le=LONGEST_FLEXIBILITY)] = Field(
        default=timedelta(), description="how much earlier or later it may be planned"
    )

    @model_validator(mode="after")
    def _says_when(self) -> Self:
        if (self.starts_at is None) == (self.starts_local is None):
            raise ValueError("say either starts_at or starts_local")
        return self


class HomeOrderQuote(_Given):
    """What is wanted of an offer, and when; where is the resident's home."""

    offer_id: uuid.UUID
    starts_at: GivenInstant
    duration: Duration | None = Field(default=None, description="by the hour; without it: the shortest")
    options: Annotated[list[OptionWanted], Field(max_length=30), codes_once] = []


class OrderCancel(_Given):
    """Why an order does not take place. Who is neither the resident nor ordering for them says it as their side."""

    reason: Literal["changed_mind", "unwell", "other_plans", "no_worker", "worker_ill", "closed_that_day", "other"]
    note: Words | None = None
    fee: Amount | None = Field(
        default=None, description="as shown to who calls off: at another cost the order stays as it is"
    )


class OrderAssign(_Given):
    """Who goes, perhaps at another time of the window, perhaps despite what speaks against it."""

    worker_id: uuid.UUID = Field(description="their account")
    starts_at: GivenInstant | None = Field(default=None, description="without it: as planned")
    despite: Annotated[list[Settable], Field(max_length=4)] = []


class OrderUnassign(_Given):
    """Why whoever was to go does not."""

    reason: Literal["worker_ill", "replanned", "other"]
    note: Words | None = None


class PositionGive(_Given):
    """Where whoever is on the way is."""

    latitude: Latitude
    longitude: Longitude
    accuracy: Annotated[float, Field(ge=0, le=100_000, allow_inf_nan=False, description="metres")]
    measured_at: GivenInstant | None = Field(default=None, description="if not now: at most some minutes back")


class StartGive(_Done):
    """What the resident said at the door."""

    code: Annotated[str, StringConstraints(strip_whitespace=True, pattern=r"^\d{6}$")]


class StartConfirm(_Given):
    """Why the provider confirms a start without the resident's code."""

    reason: Words


class ExtraAsk(_Given):
    """How much more time is needed, and why."""

    duration: Annotated[timedelta, Field(ge=timedelta(minutes=5), le=EXTRA_MOST)]
    reason: Words | None = None


class ExtraAnswer(_Given):
    """What the resident says to it."""

    is_approved: bool


class NoteGive(_Done):
    """What was found at the home."""

    text: LongWords
    is_resident_unwell: bool = Field(default=False, description="raises an alarm")


class PhotoGive(_Done):
    """A photo that was uploaded."""

    upload_id: uuid.UUID


class OrderFinish(_Done):
    """What of the checklist is done, and why the rest is not."""

    done: Annotated[list[Code], Field(max_length=30)] = []
    undone_reason: Words | None = None


class NoAccessGive(_Done):
    """What was tried at the door."""

    note: Words
