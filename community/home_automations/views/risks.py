"""What of automations the resident has to agree to: riskier commands, also within scenes, and alarms."""

import uuid
from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection

from community.home_automations.models import SCENES
from community.home_automations.rules.definitions import Action, AlarmAction, CommandAction, CommandGive, SceneAction
from community.home_automations.rules.limits import alarm_digest, command_digest
from community.home_automations.schemas import Riskier
from community.home_commands.access import Target, targets
from community.home_commands.rules import Thing, risk

_SCENES: Final = sa.select(SCENES.c.id, SCENES.c.commands).where(
    SCENES.c.id == sa.any_(sa.bindparam("ids", type_=ARRAY(sa.Uuid))),
    SCENES.c.home_id == sa.bindparam("home_id", type_=sa.Uuid),
)
Given = tuple[int, str, CommandGive]
"""At which position, whether alone or in a scene, and what is told."""


def scene_ids(actions: Sequence[Action]) -> set[uuid.UUID]:
    """Return the scenes that actions name."""
    return {one.scene_id for one in actions if isinstance(one, SceneAction)}


async def scenes_of(
    connection: AsyncConnection, home_id: uuid.UUID, ids: Collection[uuid.UUID]
) -> dict[uuid.UUID, list[CommandGive]]:
    """Return what the scenes of a home say; what is none of its is left out."""
    if not ids:
        return {}
    rows = await connection.execute(_SCENES, {"ids": list(ids), "home_id": home_id})
    return {row.id: [CommandGive.model_validate(one) for one in row.commands] for row in rows}


async def riskier(
    connection: AsyncConnection, home_id: uuid.UUID, actions: Sequence[Action], agreed: Mapping[str, str]
) -> list[Riskier]:
    """Return what of an automation's actions the resident has to agree to, and whether they have."""
    return (await riskier_of(connection, home_id, [(actions, agreed)]))[0]


async def riskier_of(
    connection: AsyncConnection, home_id: uuid.UUID, automations: Sequence[tuple[Sequence[Action], Mapping[str, str]]]
) -> list[list[Riskier]]:
    """Return the same of several automations of a home, in their order."""
    ids = set[uuid.UUID]().union(*(scene_ids(actions) for actions, _ in automations))
    scenes = await scenes_of(connection, home_id, ids)
    given = [_given(actions, scenes) for actions, _ in automations]
    things = await targets(connection, list({one.entity_id for each in given for _, _, one in each}))
    return [_risks(actions, each, things, agreed) for (actions, agreed), each in zip(automations, given, strict=True)]


def _given(actions: Sequence[Action], scenes: Mapping[uuid.UUID, list[CommandGive]]) -> list[Given]:
    found: list[Given] = []
    for place, action in enumerate(actions):
        if isinstance(action, CommandAction):
            found.append((place, "command", action))
        elif isinstance(action, SceneAction):
            found += [(place, "scene", one) for one in scenes.get(action.scene_id, [])]
    return found


def _risks(
    actions: Sequence[Action], given: Sequence[Given], things: Mapping[uuid.UUID, Target], agreed: Mapping[str, str]
) -> list[Riskier]:
    found = [_alarm(place, one, agreed) for place, one in enumerate(actions) if isinstance(one, AlarmAction)]
    found += [
        _command(place, kind, one, things[one.entity_id].thing, agreed)
        for place, kind, one in given
        if _is_riskier(things, one)
    ]
    return sorted(found, key=lambda one: one.position)


def _is_riskier(things: Mapping[uuid.UUID, Target], one: CommandGive) -> bool:
    thing = things.get(one.entity_id)
    return thing is not None and risk(thing.thing, one.command, one.arguments) == "riskier"


def _command(place: int, kind: Any, one: CommandGive, thing: Thing, agreed: Mapping[str, str]) -> Riskier:
    digest = command_digest(str(one.entity_id), one.command, one.arguments, thing)
    return Riskier(
        digest=digest,
        position=place,
        kind=kind,
        entity_id=one.entity_id,
        command=one.command,
        alarm=None,
        is_agreed=digest in agreed,
    )


def _alarm(place: int, one: AlarmAction, agreed: Mapping[str, str]) -> Riskier:
    digest = alarm_digest(one.alarm, one.severity)
    return Riskier(
        digest=digest,
        position=place,
        kind="alarm",
        entity_id=None,
        command=None,
        alarm=one.alarm,
        is_agreed=digest in agreed,
    )
