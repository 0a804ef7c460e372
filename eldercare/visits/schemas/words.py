"""The words the schemas of visits are made of."""

import uuid
from typing import Annotated, Literal, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

Holidays = Literal["ignore", "skip", "only"]
CancelReason = Literal["resident", "agency", "plan_changed", "plan_ended", "closed"]
NoteKind = Literal["note", "handover"]
Words = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=300)]
LongWords = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=4000)]
Skill = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,39}$")]
Latitude = Annotated[float, Field(ge=-90, le=90)]
Longitude = Annotated[float, Field(ge=-180, le=180)]


Item = TypeVar("Item")


def each_once(items: list[Item]) -> list[Item]:
    """Return the items; raises ``ValueError`` if one comes twice."""
    if len(set(items)) != len(items):
        raise ValueError("each only once")
    return items


Skills = Annotated[list[Skill], Field(max_length=20), AfterValidator(each_once)]
Accounts = Annotated[list[uuid.UUID], Field(max_length=20), AfterValidator(each_once)]


class Given(BaseModel):
    model_config = ConfigDict(extra="forbid")
