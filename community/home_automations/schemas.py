"""What is said of scenes and automations, and what is shown of them and of what they did."""

import uuid
from datetime import datetime, timedelta
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from community.home_automations.rules.definitions import CommandGive, Definition
from community.home_automations.rules.limits import LONGEST_TRIAL, OffReason
from community.home_automations.rules.templates import ParameterKind

Title = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=80, pattern=r"^[^\x00-\x1f\x7f]+$")
]
Digest = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{32}$")]
RunState = Literal["running", "done", "not_met", "too_late", "stopped"]


class _Given(BaseModel):
    model_config = ConfigDict(extra="forbid")


class HomeSceneWrite(_Given):
    """A scene as it is wished for."""

    name: Title
    commands: Annotated[list[CommandGive], Field(min_length=1, max_length=30)]


class HomeScenePublic(BaseModel):
    """A scene."""

    id: uuid.UUID
    home_id: uuid.UUID
    name: str
    commands: list[CommandGive]
    version: int


class SceneCommandOutcome(BaseModel):
    """What became of one of a scene's commands when it was given."""

    entity_id: uuid.UUID
    command: str
    command_id: uuid.UUID | None = Field(description="see the home's commands; null: it could not be given")
    state: str | None = Field(description="`awaiting_confirmation`: it is riskier, confirm it as if it was given alone")
    problem: str | None = Field(description="the code of the problem, if it could not be given")


class SceneActivated(BaseModel):
    """What became of a scene."""

    outcomes: list[SceneCommandOutcome]


class HomeAutomationWrite(_Given):
    """An automation as it is wished for."""

    name: Title
    definition: Definition
    is_enabled: bool = True


class AgreementGive(_Given):
    """What the resident agrees to from now on, and nothing else."""

    digests: Annotated[list[Digest], Field(max_length=50)]


class Riskier(BaseModel):
    """Something in an automation that the resident has to agree to, or it is left out."""

    digest: str
    position: int = Field(description="of the action, from 0")
    kind: Literal["command", "scene", "alarm"]
    entity_id: uuid.UUID | None
    command: str | None
    alarm: str | None
    is_agreed: bool


class HomeAutomationPublic(BaseModel):
    """An automation, whether it is on, and what the resident has to say to it."""

    id: uuid.UUID
    home_id: uuid.UUID
    name: str
    definition: Definition
    is_enabled: bool
    off_because: OffReason | None
    off_since: datetime | None
    template: str | None
    next_run_at: datetime | None = Field(description="when a time comes, or what has to hold has held long enough")
    riskier: list[Riskier]
    version: int


class HomeAutomationRunPublic(BaseModel):
    """A decision of an automation: why it did something, or did not."""

    id: uuid.UUID
    automation_id: uuid.UUID
    state: RunState
    fired_at: datetime
    definition_version: int
    trigger: dict[str, Any] = Field(description="which trigger it was, and what it saw")
    conditions: list[dict[str, Any]] = Field(description="of each: whether it held (null: not known), what it saw")
    actions: list[dict[str, Any]] = Field(description="what became of each so far")
    depth: int = Field(description="how many automations led to it")
    times: int = Field(description="how often in a row it did nothing for the same reason")
    last_at: datetime


class TrialGive(_Given):
    """An automation that is tried on what a home did, without anything happening."""

    definition: Definition
    lasts: Annotated[timedelta, Field(ge=timedelta(hours=1), le=LONGEST_TRIAL)] = LONGEST_TRIAL


class TrialFiring(BaseModel):
    """When it would have been set off, and whether its conditions held."""

    at: datetime
    trigger: dict[str, Any]
    conditions: list[dict[str, Any]]
    is_met: bool


class TrialPublic(BaseModel):
    """What an automation would have done."""

    since: datetime
    until: datetime
    fired: int = Field(description="how often its actions would have followed")
    not_met: int = Field(description="how often it was set off and a condition did not hold")
    firings: list[TrialFiring] = Field(description="the latest hundred")
    is_complete: bool = Field(description="false: the home said so much that the latest was left out")
    not_replayed: list[str] = Field(description="what the history does not tell: `care`, `attributes`")


class TemplateParameter(BaseModel):
    """What a template asks for, and what in the home (of people: who) could be it."""

    key: str
    text: str
    kind: ParameterKind
    is_required: bool
    default: str | float | None
    candidates: list[uuid.UUID]


class HomeTemplatePublic(BaseModel):
    """Something families often want of a home."""

    key: str
    name: str
    text: str
    makes: Literal["automation", "scene"]
    parameters: list[TemplateParameter]


class TemplateUse(_Given):
    """A template with what it asks for."""

    values: Annotated[
        dict[str, uuid.UUID | list[uuid.UUID] | float | Annotated[str, StringConstraints(max_length=40)]],
        Field(max_length=20),
    ]
    is_enabled: bool = True


class TemplateMade(BaseModel):
    """What was made from a template."""

    automation: HomeAutomationPublic | None
    scene: HomeScenePublic | None
