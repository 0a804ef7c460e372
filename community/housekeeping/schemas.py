"""What is said of services, offers and prices, and what others see of them."""

import re
import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import Annotated, Final, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, model_validator

from app.core.instants import GivenInstant
from app.media.api import MediaPublic
from community.housekeeping.rules import Category, DayKind, LineKind, Unit
from community.scores.schemas import Score

MOST_PHOTOS = 6

TextLanguage = Literal["en", "zh-CN"]
Code = Annotated[str, StringConstraints(pattern=re.compile(r"^[a-z0-9][a-z0-9_-]{0,39}$"))]
Line = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]
Paragraph = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=2000)]
Amount = Annotated[int, Field(ge=0, le=100_000_000, strict=True, description="minor units: cents, fen")]
Percent = Annotated[int, Field(ge=0, le=300, strict=True, description="hundredths of the work that are added")]
Duration = Annotated[timedelta, Field(ge=timedelta(minutes=5), le=timedelta(hours=12))]
Latitude = Annotated[float, Field(ge=-90, le=90, allow_inf_nan=False, description="degrees north, WGS 84")]
Longitude = Annotated[float, Field(ge=-180, le=180, allow_inf_nan=False, description="degrees east, WGS 84")]


def _in_all_languages(texts: dict[TextLanguage, str]) -> dict[TextLanguage, str]:
    if len(texts) != 2:
        raise ValueError("needed in en and zh-CN")
    return texts


def _each_once(key: Callable[[object], object]) -> AfterValidator:
    def check(items: list[object]) -> list[object]:
        if len({key(item) for item in items}) != len(items):
            raise ValueError("each only once")
        return items

    return AfterValidator(check)


codes_once: Final = _each_once(lambda item: getattr(item, "code", item))
Name = Annotated[
    dict[TextLanguage, Line],
    AfterValidator(_in_all_languages),
    Field(examples=[{"en": "Cleaning", "zh-CN": "保洁"}]),
]
Description = Annotated[dict[TextLanguage, Paragraph], AfterValidator(_in_all_languages)]
Dispatch = Literal["assign", "offer"]


class _Given(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Step(_Given):
    """Something that is to be done, and ticked off at the end."""

    code: Code
    text: Name


class HomeServiceWrite(_Given):
    """A service of the catalogue."""

    category: Category
    name: Name
    description: Description | None = None
    skills: Annotated[list[Code], Field(max_length=20), codes_once] = []
    certificates: Annotated[list[Code], Field(max_length=20), codes_once] = Field(
        default=[], description="those of the skills that must have been proved by a certificate"
    )
    expected_duration: Duration
    checklist: Annotated[list[Step], Field(max_length=30), codes_once] = []
    photo_ids: Annotated[list[uuid.UUID], Field(max_length=MOST_PHOTOS), codes_once] = Field(
        default=[], description="uploads of one's own, or photos that are there, in the order they are shown"
    )
    is_active: bool = True

    @model_validator(mode="after")
    def _certificates_are_skills(self) -> Self:
        if not set(self.certificates) <= set(self.skills):
            raise ValueError("a certificate proves one of the skills")
        return self


class HomeServiceCreate(HomeServiceWrite):
    """A service of the catalogue; its code is what everybody refers to it by, and never changes."""

    code: Code


class HomeServicePublic(BaseModel):
    """A service of the catalogue."""

    id: uuid.UUID
    code: str
    category: Category
    name: dict[str, str]
    description: dict[str, str]
    skills: list[str]
    certificates: list[str]
    expected_duration: timedelta
    checklist: list[Step]
    photos: list[MediaPublic]
    is_active: bool
    version: int


class AreaGiven(_Given):
    """Where a provider comes to: so far around a place, for so much more."""

    code: Code
    latitude: Latitude
    longitude: Longitude
    radius: Annotated[int, Field(ge=100, le=200_000, strict=True, description="metres")]
    amount: Amount = 0


class OptionGiven(_Given):
    """Something more that can be wanted."""

    code: Code
    name: Name
    amount: Amount = Field(description="minor units, for each")
    duration: Annotated[timedelta, Field(ge=timedelta(), le=timedelta(hours=4))] = Field(
        default=timedelta(), description="how much longer each takes"
    )
    most: Annotated[int, Field(ge=1, le=100, strict=True)] = 1


class ServiceOfferWrite(_Given):
    """What a provider takes for a service."""

    unit: Unit
    amount: Amount = Field(description="minor units, for each visit or hour")
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$", examples=["CNY"])]
    shortest: Duration = Field(description="by the visit: how long it takes")
    longest: Duration | None = Field(default=None, description="by the hour; without it: the shortest")
    step: Duration = Field(default=timedelta(minutes=30), description="by the hour: from one duration to the next")
    minimum_amount: Amount = 0
    weekend_percent: Percent = 0
    holiday_percent: Percent = 0
    notice_period: Annotated[timedelta, Field(ge=timedelta(), le=timedelta(days=14))] = Field(
        default=timedelta(hours=24), description="how long before its start an order is called off freely"
    )
    late_percent: Annotated[int, Field(ge=0, le=100, strict=True)] = Field(
        default=0, description="hundredths of the price that calling off later, or a closed door, costs"
    )
    dispatch: Dispatch = Field(
        default="assign", description="assign: whoever suits best is sent; offer: several are asked, the first one goes"
    )
    answer_within: Annotated[timedelta, Field(ge=timedelta(minutes=2), le=timedelta(hours=2))] = Field(
        default=timedelta(minutes=15), description="how long those who are asked may answer"
    )
    areas: Annotated[list[AreaGiven], Field(min_length=1, max_length=20), codes_once]
    options: Annotated[list[OptionGiven], Field(max_length=30), codes_once] = []
    is_active: bool = True

    @model_validator(mode="after")
    def _durations_fit(self) -> Self:
        longest = self.longest or self.shortest
        if self.unit == "visit" and longest != self.shortest:
            raise ValueError("what is sold by the visit takes one duration")
        if longest < self.shortest or (longest - self.shortest) % self.step:
            raise ValueError("the longest duration is some steps more than the shortest")
        return self


class ServiceOfferCreate(ServiceOfferWrite):
    """What a provider takes for a service; which it is never changes."""

    service_id: uuid.UUID


class ServiceOfferPublic(BaseModel):
    """What a provider takes for a service. ``version`` is that of the price."""

    id: uuid.UUID
    organization_id: uuid.UUID
    provider: str = Field(description="what the provider is called")
    service_id: uuid.UUID
    unit: Unit
    amount: int
    currency: str
    shortest: timedelta
    longest: timedelta
    step: timedelta
    minimum_amount: int
    weekend_percent: int
    holiday_percent: int
    notice_period: timedelta
    late_percent: int
    dispatch: Dispatch
    answer_within: timedelta
    areas: list[AreaGiven]
    options: list[OptionGiven]
    is_active: bool
    score: Score | None = Field(description="the provider's, once enough residents have rated it")
    version: int


class OptionWanted(_Given):
    """An option, and how often."""

    code: Code
    quantity: Annotated[int, Field(ge=1, le=100, strict=True)] = 1


class QuoteRequest(_Given):
    """What is wanted of an offer, when and where."""

    starts_at: GivenInstant
    latitude: Latitude
    longitude: Longitude
    duration: Duration | None = Field(default=None, description="by the hour; without it: the shortest")
    options: Annotated[list[OptionWanted], Field(max_length=30), codes_once] = []


class QuoteLine(BaseModel):
    """A part of a price, and what it is for."""

    kind: LineKind
    code: str | None = Field(description="of an option or area")
    quantity: int
    amount: int = Field(description="minor units")


class QuotePublic(BaseModel):
    """What a visit would cost, line by line; nothing is held by asking."""

    offer_id: uuid.UUID
    offer_version: int = Field(description="of the price: an order names it, and is asked again if it has changed")
    day: DayKind = Field(description="what kind of day it is where the community is")
    starts_at: GivenInstant
    duration: timedelta
    lines: list[QuoteLine]
    total: int = Field(description="minor units: the sum of the lines")
    currency: str
    free_until: GivenInstant = Field(description="until when it is called off freely")
    late_fee: int = Field(description="minor units: what calling off later, or a closed door, costs")
