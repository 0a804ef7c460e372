"""How an audience is described: one or several criteria; who meets any of them belongs to it, once."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from app.identity.people.schemas import Latitude, Longitude, Tag


class _Criterion(BaseModel):
    model_config = ConfigDict(extra="forbid")


class EverybodyCriterion(_Criterion):
    """Everybody known to the community: residents, relatives, staff."""

    kind: Literal["community"]


class BuildingCriterion(_Criterion):
    """Who lives in a building, as households name it."""

    kind: Literal["building"]
    building: Annotated[str, Field(min_length=1, max_length=100)]


class RoleCriterion(_Criterion):
    """All residents, or who holds a role in an organization of the community."""

    kind: Literal["role"]
    role: Literal["resident", "operator", "dispatcher", "coordinator", "carer", "clinician", "worker"]


class TagCriterion(_Criterion):
    """Residents with a tag."""

    kind: Literal["tag"]
    tag: Tag


class RadiusCriterion(_Criterion):
    """Who lives within some metres of a point; homes whose place is not known are not among them."""

    kind: Literal["radius"]
    latitude: Latitude
    longitude: Longitude
    metres: Annotated[int, Field(ge=1, le=100_000)]


Criterion = Annotated[
    EverybodyCriterion | BuildingCriterion | RoleCriterion | TagCriterion | RadiusCriterion,
    Field(discriminator="kind"),
]
