"""What people are told about a community and its calendar."""

import uuid
from datetime import date

from pydantic import BaseModel, ConfigDict


class CommunityPublic(BaseModel):
    """A community with what its domains go by."""

    model_config = ConfigDict(from_attributes=True)

    id: uuid.UUID
    name: str
    country: str
    time_zone: str
    currency: str
    languages: list[str]
    emergency_numbers: dict[str, str]
    desk_phone: str | None


class HolidayPublic(BaseModel):
    """A day that is not what its weekday says."""

    model_config = ConfigDict(from_attributes=True)

    day: date
    name: str
    is_workday: bool
