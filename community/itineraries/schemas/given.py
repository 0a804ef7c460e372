"""What people say of days out: what they wish for, what they need, where they are."""

import uuid
from datetime import date, time, timedelta
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, model_validator

from app.core.instants import GivenDay
from community.housekeeping.schemas import Amount, Latitude, Longitude
from community.itineraries.rules.asked import MOST_DAYS, MOST_WISHES, Pace

WallClock = Annotated[str, StringConstraints(pattern=r"^([01]\d|2[0-3]):[0-5]\d$")]
Stay = Annotated[timedelta, Field(ge=timedelta(minutes=10), le=timedelta(hours=8))]


def _once(values: list[str]) -> list[str]:
    if len(set(values)) != len(values):
        raise ValueError("each only once")
    return values


class _Given(BaseModel):
    model_config = ConfigDict(extra="forbid")


class DayGive(_Given):
    """A day, on the community's wall: when one can leave home, and by when one wants to be back."""

    day: GivenDay
    leaves: WallClock = "09:00"
    back: WallClock = "18:00"

    @model_validator(mode="after")
    def _ends_after_it_begins(self) -> Self:
        if self.back <= self.leaves:
            raise ValueError("a day ends after it begins")
        return self

    def walls(self) -> tuple[date, time, time]:
        """Return the day, and the times on its wall."""
        return self.day, time.fromisoformat(self.leaves), time.fromisoformat(self.back)


class PointGive(_Given):
    """Where to set out from, and to return to."""

    latitude: Latitude
    longitude: Longitude


class ItemGive(_Given):
    """So many tickets of a product."""

    product_id: uuid.UUID
    quantity: Annotated[int, Field(ge=1, le=50, strict=True)] = 1


class WishGive(_Given):
    """An attraction somebody wants to see; with tickets, or as long as it is open where none are wanted."""

    attraction_id: uuid.UUID
    is_must: bool = Field(default=False, description="rather this than anything that is not")
    stay: Stay | None = Field(default=None, description="without it: as long as goes with the pace")
    items: Annotated[list[ItemGive], Field(max_length=5)] = Field(
        default=[], description="the tickets all who come need; empty: none, it is visited while it is open"
    )

    @model_validator(mode="after")
    def _names_each_product_once(self) -> Self:
        if len({item.product_id for item in self.items}) != len(self.items):
            raise ValueError("each product only once")
        return self


class NeedsGive(_Given):
    """What somebody needs on the way. None of it is traded for another stop."""

    pace: Pace = "steady"
    rest_every: Annotated[timedelta, Field(ge=timedelta(minutes=30), le=timedelta(hours=4))] | None = Field(
        default=None, description="how long they are at most on their feet between two rests"
    )
    rest: Annotated[timedelta, Field(ge=timedelta(minutes=5), le=timedelta(hours=1))] = timedelta(minutes=20)
    needs_toilet: bool = Field(default=False, description="they rest only where there is an accessible toilet")
    is_step_free_only: bool = False
    prefers_quiet: bool = Field(default=False, description="quiet hours, where that costs not too much way")
    medications: Annotated[list[WallClock], Field(max_length=8), AfterValidator(_once)] = Field(
        default=[], description="when to sit down and take medication, each day"
    )


class ItineraryWrite(_Given):
    """All that is asked of a plan."""

    days: Annotated[list[DayGive], Field(min_length=1, max_length=MOST_DAYS)]
    start: PointGive | None = Field(default=None, description="without it: the resident's home")
    persons: Annotated[int, Field(ge=1, le=20, strict=True)] = Field(
        default=1, description="who come, where no tickets are wanted"
    )
    wishes: Annotated[list[WishGive], Field(min_length=1, max_length=MOST_WISHES)]
    needs: NeedsGive = NeedsGive()
    budget: Amount | None = Field(default=None, description="minor units, for all tickets")

    @model_validator(mode="after")
    def _is_in_order(self) -> Self:
        days = [one.day for one in self.days]
        if days != sorted(set(days)):
            raise ValueError("days are in order, each once")
        if len({wish.attraction_id for wish in self.wishes}) != len(self.wishes):
            raise ValueError("each attraction only once")
        if sum(len(wish.items) for wish in self.wishes) > 20:
            raise ValueError("at most 20 kinds of tickets in one go")
        return self


class ItineraryBook(_Given):
    """How all stops with tickets are booked in one go, at the price that was planned."""

    total: Amount = Field(description="minor units, as shown: whoever books agrees to this, and to nothing else")
    payment_method: Literal["card", "provider", "none"]
    payment_method_id: uuid.UUID | None = None

    @model_validator(mode="after")
    def _names_the_card(self) -> Self:
        if (self.payment_method == "card") != (self.payment_method_id is not None):
            raise ValueError("a card is named exactly where one pays by card")
        return self


class StopCheck(_Given):
    """Where somebody is: at a stop, gone from it, or not going there."""

    state: Literal["arrived", "left", "skipped"]


class CompanionGive(_Given):
    """Who comes along."""

    account_id: uuid.UUID
