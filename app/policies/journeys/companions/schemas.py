"""What is wanted of a trip with a companion, and what comes of it."""

import uuid
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from community.api import OrderDetail, OrderTerms, ParticipationDetail, SignUpTerms


class VolunteerWanted(BaseModel):
    """Somebody who accompanies without money."""

    model_config = ConfigDict(extra="forbid")

    kind: Literal["volunteer"]
    volunteer_id: uuid.UUID | None = Field(default=None, description="without it: whoever is free")


class WorkerWanted(BaseModel):
    """Somebody who is ordered: they fetch the resident, go along, and bring them home."""

    model_config = ConfigDict(extra="forbid")

    kind: Literal["worker"]
    order: OrderTerms = Field(description="of an offer of the category `escort`; another price is told with the time")


class AccompaniedTripCreate(SignUpTerms):
    """A place on a trip, and who accompanies the resident on it: a seat is taken for them too."""

    trip_id: uuid.UUID
    companion: Annotated[VolunteerWanted | WorkerWanted, Field(discriminator="kind")]


class AccompaniedTrip(BaseModel):
    """What was booked, all of it."""

    participation: ParticipationDetail
    order: OrderDetail | None = Field(description="of whoever comes for money")
