"""Whether a home can do what a scene or an automation says."""

import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncConnection

from app.core import clock
from app.core.problems import FieldError, Malformed
from app.home_assistant.api import NotPossible
from app.identity.api import whereabouts
from community.home_automations.access import HomeSubject, may_be_told
from community.home_automations.rules.definitions import (
    Action,
    CommandAction,
    CommandGive,
    Definition,
    NotCondition,
    NoticeAction,
    SceneAction,
    uses_sun,
)
from community.home_automations.views.risks import scene_ids, scenes_of
from community.home_commands.access import Target, targets
from community.home_commands.service.reaching import ways

_PRESENT: Final = frozenset({"device_tracker", "person"})
_UNKNOWN: Final = ("there is no such thing in this home", "unknown_entity")


@dataclass(frozen=True, slots=True)
class _Named:
    """An entity that a definition names, where it does, and whether it has to tell of somebody's presence."""

    pointer: str
    entity_id: uuid.UUID
    tells_presence: bool = False


async def check_commands(
    connection: AsyncConnection, home: HomeSubject, commands: Sequence[CommandGive], pointer: str
) -> None:
    """Raise ``Malformed``, with where it is, for what the home does not have or a thing cannot do."""
    found = await targets(connection, [one.entity_id for one in commands])
    errors = await _impossible(connection, home, found, [(f"{pointer}/{n}", one) for n, one in enumerate(commands)])
    if errors:
        raise Malformed(errors=errors)


async def check(connection: AsyncConnection, home: HomeSubject, definition: Definition, pointer: str) -> None:
    """Raise ``Malformed``, with where it is, for what the home does not have, cannot do, or nobody may be told."""
    named = list(_named(definition, pointer))
    commands = [
        (f"{pointer}/actions/{n}", one) for n, one in enumerate(definition.actions) if isinstance(one, CommandAction)
    ]
    found = await targets(connection, list({one.entity_id for one in named} | {one.entity_id for _, one in commands}))
    errors = [error for one in named if (error := _misnamed(home, found.get(one.entity_id), one)) is not None]
    errors += await _impossible(connection, home, found, commands)
    errors += await _unknown_scenes(connection, home, definition.actions, pointer)
    errors += await _not_to_be_told(connection, home, definition.actions, pointer)
    if uses_sun(definition) and home.resident_id not in await whereabouts(connection, [home.resident_id]):
        errors.append(FieldError(pointer, "it is not known where on earth this home is", "no_location"))
    if errors:
        raise Malformed(errors=errors)


def _named(definition: Definition, pointer: str) -> Iterator[_Named]:
    for n, trigger in enumerate(definition.triggers):
        yield from _named_in(trigger, f"{pointer}/triggers/{n}")
    for n, condition in enumerate(definition.conditions):
        yield from _named_in(condition, f"{pointer}/conditions/{n}")


def _named_in(part: Any, pointer: str) -> Iterator[_Named]:
    """Yield what a trigger or a condition names; others lie within some conditions."""
    if hasattr(part, "entity_id"):
        yield _Named(f"{pointer}/entity_id", part.entity_id)
    for n, entity_id in enumerate(getattr(part, "entity_ids", ())):
        yield _Named(f"{pointer}/entity_ids/{n}", entity_id, tells_presence=True)
    for n, inner in enumerate(getattr(part, "conditions", ())):
        yield from _named_in(inner, f"{pointer}/conditions/{n}")
    if isinstance(part, NotCondition):
        yield from _named_in(part.condition, f"{pointer}/condition")


def _misnamed(home: HomeSubject, found: Target | None, one: _Named) -> FieldError | None:
    # What another home has is as unknown here as what nobody has.
    if found is None or found.home_id != home.id or found.entity_state != "active":
        return FieldError(one.pointer, *_UNKNOWN)
    if one.tells_presence and found.component not in _PRESENT and found.thing.role != "presence":
        return FieldError(one.pointer, "this tells of nobody's presence", "not_presence")
    return None


async def _impossible(
    connection: AsyncConnection,
    home: HomeSubject,
    found: Mapping[uuid.UUID, Target],
    commands: Sequence[tuple[str, CommandGive]],
) -> list[FieldError]:
    way = (await ways(connection, [home.id]))[home.id]
    errors = []
    for pointer, one in commands:
        thing = found.get(one.entity_id)
        if thing is None or thing.home_id != home.id or thing.entity_state != "active":
            errors.append(FieldError(f"{pointer}/entity_id", *_UNKNOWN))
            continue
        try:
            way.publication(thing.component, thing.config, one.command, one.arguments)
        except NotPossible as refusal:
            errors.append(FieldError(f"{pointer}/command", "the thing does not know this", refusal.code))
    return errors


async def _unknown_scenes(
    connection: AsyncConnection, home: HomeSubject, actions: Sequence[Action], pointer: str
) -> list[FieldError]:
    known = await scenes_of(connection, home.id, scene_ids(actions))
    return [
        FieldError(f"{pointer}/actions/{n}/scene_id", "there is no such scene in this home", "unknown_scene")
        for n, one in enumerate(actions)
        if isinstance(one, SceneAction) and one.scene_id not in known
    ]


async def _not_to_be_told(
    connection: AsyncConnection, home: HomeSubject, actions: Sequence[Action], pointer: str
) -> list[FieldError]:
    if not any(isinstance(one, NoticeAction) and one.account_ids for one in actions):
        return []
    may = await may_be_told(connection, home.resident_id, clock.now())
    return [
        FieldError(f"{pointer}/actions/{n}/account_ids/{m}", "the resident lets them know nothing", "not_granted")
        for n, one in enumerate(actions)
        if isinstance(one, NoticeAction)
        for m, account_id in enumerate(one.account_ids)
        if account_id not in may
    ]
