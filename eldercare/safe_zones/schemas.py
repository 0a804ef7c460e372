"""What callers say and are told about zones and positions."""

import uuid
from datetime import datetime, timedelta
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SkipValidation, StringConstraints, model_validator
from pydantic_core import PydanticCustomError

from app.core.instants import GivenInstant
from eldercare.alarms.schemas import PlacePublic
from eldercare.check_ins.schemas import SeverityName, TimeZone, WallTime, Weekday
from eldercare.safe_zones.rules import geometry
from eldercare.safe_zones.rules.crossings import MOST_LOOKED_AT, Kind, Side
from eldercare.safe_zones.rules.silence import Reason

MOST_FIXES = 500
SILENCES = (timedelta(minutes=5), timedelta(hours=24))
LONGEST_PAUSE = timedelta(days=30)

Watch = Literal["watching", "outside_hours", "paused", "away", "hospital", "not_shared", "ended"]
Latitude = Annotated[float, Field(ge=-90, le=90, allow_inf_nan=False, description="degrees north, WGS 84")]
Longitude = Annotated[float, Field(ge=-180, le=180, allow_inf_nan=False, description="degrees east, WGS 84")]
Words = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=80)]


class _Given(BaseModel):
    model_config = ConfigDict(extra="forbid")


class ZonePoint(_Given):
    """A place in degrees."""

    latitude: Latitude
    longitude: Longitude

    def point(self) -> geometry.Point:
        """Return it as rules take it."""
        return geometry.Point(self.latitude, self.longitude)


class ZoneCircle(_Given):
    """All places within a radius."""

    kind: Literal["circle"]
    centre: ZonePoint
    radius: float = Field(allow_inf_nan=False, description="metres, 20 to 50,000")

    def shape(self) -> geometry.Circle:
        """Return it as rules take it."""
        return geometry.Circle(self.centre.point(), self.radius)


class ZonePolygon(_Given):
    """The inside of straight lines between corners; the last corner is the first one again."""

    kind: Literal["polygon"]
    corners: list[ZonePoint] = Field(min_length=4, max_length=geometry.MOST_CORNERS + 1)

    def shape(self) -> geometry.Polygon:
        """Return it as rules take it."""
        return geometry.Polygon(tuple(corner.point() for corner in self.corners))


ZoneShape = Annotated[ZoneCircle | ZonePolygon, Field(discriminator="kind")]


def _watchable(shape: ZoneCircle | ZonePolygon) -> ZoneCircle | ZonePolygon:
    try:
        geometry.check(shape.shape())
    except geometry.NotAZone as refusal:
        raise PydanticCustomError(refusal.code, "{detail}", {"detail": refusal.detail}) from None
    return shape


GivenShape = Annotated[ZoneShape, AfterValidator(_watchable)]
"""A shape that can be watched; looked at when it is given, and never again."""


def _each_once(days: list[int]) -> list[int]:
    if len(set(days)) != len(days):
        raise ValueError("each only once")
    return sorted(days)


class ZoneHours(_Given):
    """Hours on weekdays; an end at or before the start is on the next day."""

    weekdays: Annotated[list[Weekday], Field(min_length=1, max_length=7), AfterValidator(_each_once)]
    start: WallTime
    end: WallTime


class SafeZoneWrite(_Given):
    """What a zone says."""

    kind: Kind = "stay_inside"
    name: Words = Field(examples=["Home and garden"])
    shape: GivenShape
    hours: list[ZoneHours] = Field(default=[], max_length=21, description="empty: at any time")
    time_zone: TimeZone | None = Field(default=None, description="without one: the zone the resident lives in")
    needed: int = Field(default=2, ge=1, le=MOST_LOOKED_AT, description="of the latest fixes, to call or to be back")
    looked_at: int = Field(default=3, ge=1, le=MOST_LOOKED_AT)
    silence_after: timedelta = Field(
        default=timedelta(minutes=30),
        ge=SILENCES[0],
        le=SILENCES[1],
        description="without a usable fix for that long the position is unknown",
    )
    severity: SeverityName = Field(default="high", description="of the alarm when the resident leaves")

    @model_validator(mode="after")
    def _in_reach(self) -> Self:
        if self.needed > self.looked_at:
            raise ValueError("needed is at most looked_at")
        return self


class SafeZoneVersionPublic(BaseModel):
    """What a zone said since ``valid_from``."""

    number: int
    valid_from: datetime
    created_by: uuid.UUID
    kind: Kind
    name: str
    shape: ZoneShape
    hours: list[ZoneHours]
    time_zone: str | None
    needed: int
    looked_at: int
    silence_after: timedelta
    severity: SeverityName


class SafeZonePublic(SafeZoneVersionPublic):
    """A zone with the version in force, whether it is watched now, and how the resident stands to it."""

    id: uuid.UUID
    resident_id: uuid.UUID
    state: Literal["active", "ended"]
    version: int
    paused_until: datetime | None
    ended_at: datetime | None
    words: str = Field(description="what it means, in plain words in the reader's language")
    watch: Watch = Field(description="`watching`, or why it is not watched now")
    side: Side = Field(
        description="`left`: the resident is where the zone does not want them; never guessed, and told only who may"
        " see the location"
    )
    side_since: datetime | None


class ZonePause(_Given):
    """A pause of one zone. It needs an end."""

    until: GivenInstant


class PositionGive(_Given):
    """A fix of a device."""

    observed_at: GivenInstant
    latitude: Latitude
    longitude: Longitude
    accuracy: float = Field(
        ge=0, le=100_000, allow_inf_nan=False, description="metres: the radius of the error circle; 0: not known"
    )
    battery: int | None = Field(default=None, ge=0, le=100, description="percent")
    source: Literal["gnss", "network", "fused", "beacon", "manual"] = "fused"


class PositionsGive(_Given):
    """Up to 500 fixes of one device; each is taken or refused by itself."""

    device: str | None = Field(default=None, min_length=1, max_length=64, description="without one: the sender")
    # Each is looked at by itself: a bad one among many is reported by its place.
    positions: list[SkipValidation[PositionGive]] = Field(min_length=1, max_length=MOST_FIXES)


class RefusedPosition(BaseModel):
    """Why a fix was not taken."""

    index: int
    code: str
    detail: str


class PositionsTaken(BaseModel):
    """What became of a batch."""

    stored: int
    duplicates: int
    refused: list[RefusedPosition]


class PositionPublic(BaseModel):
    """Where the resident was."""

    id: uuid.UUID
    observed_at: datetime
    received_at: datetime
    place: PlacePublic
    battery: int | None
    source: str
    device: str | None


class LocationPublic(BaseModel):
    """What is known of where the resident is. Nothing here is a guess: what is not known is `unknown`."""

    state: Literal["known", "unknown", "not_shared"]
    reason: Reason | None = Field(description="why people were told that it is unknown, while that lasts")
    unknown_since: datetime | None
    battery: int | None
    position: PositionPublic | None = Field(description="the latest, however old or vague, as long as it is kept")
