"""What an automation says: triggers, conditions and actions, as JSON that is checked before anything runs on it."""

import uuid
from collections.abc import Iterator, Sequence
from datetime import time, timedelta
from typing import Annotated, Any, Final, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, model_validator

MOST_DEPTH: Final = 4
MOST_CONDITIONS: Final = 40

Attribute = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,63}$")]
Value = Annotated[str, StringConstraints(min_length=1, max_length=255, pattern=r"^[^\x00-\x1f\x7f]+$")]
Number = Annotated[float, Field(ge=-1e9, le=1e9, allow_inf_nan=False)]
Held = Annotated[timedelta, Field(ge=timedelta(seconds=1), le=timedelta(hours=24))]
Offset = Annotated[timedelta, Field(ge=timedelta(hours=-6), le=timedelta(hours=6))]
Presence = Literal["somebody", "nobody"]
CareEvent = Literal["check_in_missed", "check_in_answered", "alarm_raised", "alarm_resolved"]
NoticeText = Literal["door", "water", "stove", "temperature", "light", "presence", "device", "other"]
AlarmKind = Literal[
    "smoke", "gas", "carbon_monoxide", "water", "door_open_at_night", "stove_unattended", "cold", "heat"
]
Severity = Literal["low", "medium", "high"]


def _naive(wall: time) -> time:
    if wall.tzinfo is not None:
        raise ValueError("a wall time has no offset: it is the home's")
    return wall.replace(second=0, microsecond=0)


WallTime = Annotated[time, AfterValidator(_naive), Field(description="by the home's clocks, to the minute")]


def _once(values: list[Any]) -> list[Any]:
    if len(set(values)) != len(values):
        raise ValueError("each only once")
    return values


Weekdays = Annotated[
    list[Annotated[int, Field(ge=1, le=7, strict=True)]],
    AfterValidator(_once),
    Field(min_length=1, max_length=7, description="ISO: 1 is Monday"),
]
Presences = Annotated[list[uuid.UUID], AfterValidator(_once), Field(min_length=1, max_length=10)]


def every_day() -> list[int]:
    """Return all seven weekdays."""
    return [1, 2, 3, 4, 5, 6, 7]


class _Given(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class StateTrigger(_Given):
    """Something becomes what it was not before; with ``held_for`` once it has stayed so."""

    kind: Literal["state"]
    entity_id: uuid.UUID
    attribute: Attribute = "state"
    from_: Value | None = Field(default=None, alias="from")
    to: Value | None = None
    held_for: Held | None = None

    @model_validator(mode="after")
    def _says_what(self) -> Self:
        if self.from_ is None and self.to is None:
            raise ValueError("say what it changes from or to")
        if self.held_for is not None and self.to is None:
            raise ValueError("what is held is a state it changes to")
        return self


class NumericTrigger(_Given):
    """A figure goes beyond a level; it does so again only after it was back at ``reset``."""

    kind: Literal["numeric"]
    entity_id: uuid.UUID
    attribute: Attribute = "state"
    above: Number | None = None
    below: Number | None = None
    reset: Number | None = Field(default=None, description="without it: the level itself")
    held_for: Held | None = None

    @model_validator(mode="after")
    def _has_one_level(self) -> Self:
        if (self.above is None) == (self.below is None):
            raise ValueError("say above or below, one of them")
        if self.reset is not None:
            beyond = self.reset > self.above if self.above is not None else self.reset < (self.below or 0.0)
            if beyond:
                raise ValueError("the reset lies on the quiet side of the level")
        return self

    def is_beyond(self, number: float) -> bool:
        """Say whether a figure lies beyond the level."""
        return number > self.above if self.above is not None else number < (self.below or 0.0)

    def is_back(self, number: float) -> bool:
        """Say whether a figure is back, so that it may go beyond the level anew."""
        if self.above is not None:
            return number <= (self.above if self.reset is None else self.reset)
        level = self.below or 0.0
        return number >= (level if self.reset is None else self.reset)


class TimeTrigger(_Given):
    """It is a time of the day; in the night the clocks change, as RFC 5545 says."""

    kind: Literal["time"]
    at: WallTime
    weekdays: Weekdays = Field(default_factory=every_day)


class SunTrigger(_Given):
    """The sun rises or sets, or did so a while ago, or will; on a day it does not, nothing happens."""

    kind: Literal["sun"]
    event: Literal["sunrise", "sunset"]
    offset: Offset = timedelta(0)


class PresenceTrigger(_Given):
    """Somebody is at home of whom nobody was, or the last one left."""

    kind: Literal["presence"]
    entity_ids: Presences
    becomes: Presence
    held_for: Held | None = None


class CareTrigger(_Given):
    """Something happened in the resident's care."""

    kind: Literal["care"]
    event: CareEvent


Trigger = Annotated[
    StateTrigger | NumericTrigger | TimeTrigger | SunTrigger | PresenceTrigger | CareTrigger,
    Field(discriminator="kind"),
]


class StateCondition(_Given):
    """Something is one of these, and with ``held_for`` has been for so long."""

    kind: Literal["state"]
    entity_id: uuid.UUID
    attribute: Attribute = "state"
    is_: Annotated[list[Value], Field(min_length=1, max_length=10)] = Field(alias="is")
    held_for: Held | None = None


class NumericCondition(_Given):
    """A figure lies above one level, below another, or between them."""

    kind: Literal["numeric"]
    entity_id: uuid.UUID
    attribute: Attribute = "state"
    above: Number | None = None
    below: Number | None = None

    @model_validator(mode="after")
    def _has_a_level(self) -> Self:
        if self.above is None and self.below is None:
            raise ValueError("say above, below or both")
        return self


class TimeCondition(_Given):
    """It is between two times of the day, perhaps across midnight, on one of these days."""

    kind: Literal["time"]
    after: WallTime = time(0)
    before: WallTime = Field(default=time(0), description="equal to after: all day")
    weekdays: Weekdays = Field(default_factory=every_day)


class SunCondition(_Given):
    """The sun is up or down."""

    kind: Literal["sun"]
    is_: Literal["up", "down"] = Field(alias="is")
    elevation: Annotated[float, Field(ge=-18, le=30, allow_inf_nan=False)] = Field(
        default=-0.833, description="degrees from where it counts as up; -6 is the end of civil twilight"
    )


class PresenceCondition(_Given):
    """Somebody is at home, or nobody is."""

    kind: Literal["presence"]
    entity_ids: Presences
    is_: Presence = Field(alias="is")


class AllCondition(_Given):
    """Each of them holds."""

    kind: Literal["all"]
    conditions: Annotated[list["Condition"], Field(min_length=1, max_length=10)]


class AnyCondition(_Given):
    """One of them holds."""

    kind: Literal["any"]
    conditions: Annotated[list["Condition"], Field(min_length=1, max_length=10)]


class NotCondition(_Given):
    """It does not hold; of what is not known, neither does its contrary."""

    kind: Literal["not"]
    condition: "Condition"


Condition = Annotated[
    StateCondition
    | NumericCondition
    | TimeCondition
    | SunCondition
    | PresenceCondition
    | AllCondition
    | AnyCondition
    | NotCondition,
    Field(discriminator="kind"),
]
AllCondition.model_rebuild()
AnyCondition.model_rebuild()
NotCondition.model_rebuild()

Argument = str | int | float | bool | list[float] | list[str]


class CommandGive(_Given):
    """What one thing of the home is told."""

    entity_id: uuid.UUID
    command: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,63}$")]
    arguments: Annotated[dict[Attribute, Argument], Field(max_length=10)] = Field(default_factory=dict)


class CommandAction(CommandGive):
    """Tell one thing of the home something. What is risky is told only if the resident agreed to it."""

    kind: Literal["command"]


class SceneAction(_Given):
    """Do what a scene says."""

    kind: Literal["scene"]
    scene_id: uuid.UUID


class NoticeAction(_Given):
    """Tell people: the resident, or those of their circle who may know of their home."""

    kind: Literal["notice"]
    text: NoticeText = "other"
    to_resident: bool = False
    account_ids: Annotated[list[uuid.UUID], AfterValidator(_once), Field(max_length=10)] = Field(default_factory=list)

    @model_validator(mode="after")
    def _is_to_somebody(self) -> Self:
        if not self.to_resident and not self.account_ids:
            raise ValueError("say who is told")
        return self


class DelayAction(_Given):
    """Wait; what comes after it is not forgotten, whatever happens meanwhile."""

    kind: Literal["delay"]
    lasts: Held


class AlarmAction(_Given):
    """Say that something is wrong in the home, so that somebody looks."""

    kind: Literal["alarm"]
    alarm: AlarmKind
    severity: Severity = "medium"


Action = Annotated[CommandAction | SceneAction | NoticeAction | DelayAction | AlarmAction, Field(discriminator="kind")]


class Definition(_Given):
    """An automation: any of the triggers, if all of the conditions hold, does all of the actions in order."""

    schema_version: Literal[1] = 1
    triggers: Annotated[list[Trigger], Field(min_length=1, max_length=10)]
    conditions: Annotated[list[Condition], Field(max_length=10)] = Field(default_factory=list)
    actions: Annotated[list[Action], Field(min_length=1, max_length=20)]
    again: Literal["restart", "parallel"] = Field(
        default="restart", description="what a firing does to an earlier one that still waits: end it, or not"
    )

    @model_validator(mode="after")
    def _is_bounded(self) -> Self:
        if max((depth for depth, _ in walk(self.conditions)), default=0) > MOST_DEPTH:
            raise ValueError(f"conditions lie within each other {MOST_DEPTH} deep at most")
        if sum(1 for _ in walk(self.conditions)) > MOST_CONDITIONS:
            raise ValueError(f"{MOST_CONDITIONS} conditions at most")
        if isinstance(self.actions[-1], DelayAction):
            raise ValueError("nothing comes after the last delay")  # noqa: TRY004 - no type is wrong, an order is
        return self


def walk(conditions: Sequence[Condition], depth: int = 1) -> Iterator[tuple[int, Condition]]:
    """Yield each condition, and those within it, with how deep it lies."""
    for one in conditions:
        yield depth, one
        if isinstance(one, (AllCondition, AnyCondition)):
            yield from walk(one.conditions, depth + 1)
        elif isinstance(one, NotCondition):
            yield from walk([one.condition], depth + 1)


def watched(definition: Definition) -> set[tuple[uuid.UUID, str]]:
    """Return what an automation looks at: entities, and which attribute of them."""
    found: set[tuple[uuid.UUID, str]] = set()
    parts: list[Any] = [*definition.triggers, *(one for _, one in walk(definition.conditions))]
    for part in parts:
        if isinstance(part, (StateTrigger, NumericTrigger, StateCondition, NumericCondition)):
            found.add((part.entity_id, part.attribute))
        elif isinstance(part, (PresenceTrigger, PresenceCondition)):
            found |= {(entity_id, "state") for entity_id in part.entity_ids}
    return found


def uses_sun(definition: Definition) -> bool:
    """Say whether it matters where on earth the home is."""
    return any(isinstance(one, SunTrigger) for one in definition.triggers) or any(
        isinstance(one, SunCondition) for _, one in walk(definition.conditions)
    )


def care_events(definition: Definition) -> list[CareEvent]:
    """Return which events of care an automation waits for."""
    return [one.event for one in definition.triggers if isinstance(one, CareTrigger)]


def as_json(part: BaseModel) -> dict[str, Any]:
    """Return a part of a definition as it is stored and shown."""
    found: dict[str, Any] = part.model_dump(mode="json", by_alias=True)
    return found
