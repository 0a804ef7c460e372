"""Writing scenes, and doing what they say."""

import uuid
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from app.core import audit, rate_limits
from app.core.access import Actor
from app.core.problems import NotFound, Problem
from app.core.routing import check_version
from community.home_automations.access import HomeSubject
from community.home_automations.models import AUTOMATIONS, SCENES, HomeScene
from community.home_automations.problems import SceneInUse, TooManyInHome
from community.home_automations.rules.definitions import CommandGive, as_json
from community.home_automations.rules.limits import MOST_SCENES, SCENES_PER_HOME
from community.home_automations.schemas import HomeSceneWrite, SceneCommandOutcome
from community.home_automations.service.checking import check_commands
from community.home_commands.service.commanding import give

_COUNT: Final = sa.select(sa.func.count()).where(SCENES.c.home_id == sa.bindparam("home_id", type_=sa.Uuid))
_USING: Final = sa.select(AUTOMATIONS.c.id).where(
    AUTOMATIONS.c.home_id == sa.bindparam("home_id", type_=sa.Uuid),
    AUTOMATIONS.c.definition.contains(sa.bindparam("uses", type_=AUTOMATIONS.c.definition.type)),
)


async def create(session: AsyncSession, actor: Actor, home: HomeSubject, data: HomeSceneWrite) -> HomeScene:
    """Write a scene; raises ``HomeNotActive``, ``TooManyInHome``, ``Malformed`` for what the home cannot do."""
    home.require_active()
    if int(await session.scalar(_COUNT, {"home_id": home.id}) or 0) >= MOST_SCENES:
        raise TooManyInHome(most=MOST_SCENES)
    await check_commands(await session.connection(), home, data.commands, "/body/commands")
    row = HomeScene(
        home_id=home.id,
        resident_id=home.resident_id,
        community_id=home.community_id,
        name=data.name,
        commands=[as_json(one) for one in data.commands],
    )
    session.add(row)
    await session.flush()
    await _enter(session, actor, row, "home_scene:create")
    return row


async def write(
    session: AsyncSession,
    actor: Actor,
    home: HomeSubject,
    scene_id: uuid.UUID,
    data: HomeSceneWrite,
    if_match: int | None,
) -> HomeScene:
    """Write a scene anew; raises ``StaleVersion``, and as ``create`` does."""
    home.require_active()
    row = await _one(session, scene_id)
    check_version(row, if_match)
    await check_commands(await session.connection(), home, data.commands, "/body/commands")
    row.name, row.commands = data.name, [as_json(one) for one in data.commands]
    await session.flush()
    await _enter(session, actor, row, "home_scene:write")
    return row


async def delete(session: AsyncSession, actor: Actor, scene_id: uuid.UUID) -> None:
    """Delete a scene; raises ``SceneInUse`` while automations do what it says."""
    row = await _one(session, scene_id)
    uses = {"actions": [{"kind": "scene", "scene_id": str(scene_id)}]}
    using = list(await session.scalars(_USING, {"home_id": row.home_id, "uses": uses}))
    if using:
        raise SceneInUse(automation_ids=[str(one) for one in using])
    await _enter(session, actor, row, "home_scene:delete")
    await session.delete(row)
    await session.flush()


async def activate(session: AsyncSession, actor: Actor, scene_id: uuid.UUID) -> list[SceneCommandOutcome]:
    """Give each command of a scene as if it was given alone; one that cannot be given holds up no other.

    Raises ``TooManyRequests`` before the first of them.
    """
    row = await _one(session, scene_id)
    await count(row.home_id)
    outcomes = []
    for one in [CommandGive.model_validate(command) for command in row.commands]:
        found: dict[str, Any] = {"command_id": None, "state": None, "problem": None}
        try:
            async with session.begin_nested():
                command = await give(session, actor, one.entity_id, one.command, one.arguments, origin="scene")
                found |= {"command_id": command.id, "state": command.state}
        except Problem as refusal:
            found["problem"] = refusal.code
        outcomes.append(SceneCommandOutcome(entity_id=one.entity_id, command=one.command, **found))
    await _enter(session, actor, row, "home_scene:activate")
    return outcomes


async def count(home_id: uuid.UUID) -> None:
    """Count that a home does what a scene says. Raises ``TooManyRequests`` if that is too often."""
    await rate_limits.limit("home_scenes", str(home_id), SCENES_PER_HOME)


async def _one(session: AsyncSession, scene_id: uuid.UUID) -> HomeScene:
    row = await session.get(HomeScene, scene_id, with_for_update=True)
    if row is None:
        raise NotFound
    return row


async def _enter(session: AsyncSession, actor: Actor, row: HomeScene, action: str) -> None:
    await audit.record(
        session, actor, action, resident_id=row.resident_id, object_id=row.id, community_id=row.community_id
    )
