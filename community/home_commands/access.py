"""Who may have a thing in a home do something: whoever lives there, and whom its resident lets control it."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa
from fastapi import Request
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.access import Actor, authenticate
from app.core.problems import FieldError, Forbidden, Malformed, NotFound, Unauthenticated
from app.core.routing import connection_of
from app.identity.api import actor_of
from community.home_commands.models import COMMANDS
from community.home_commands.rules import Thing, is_own_button
from community.home_devices.models import DEVICES, ENTITIES
from community.home_states.models import STATES
from community.homes.access import CONTROL, READ, HomeSubject, require_home
from community.homes.models import HOMES

_e = ENTITIES.c
_alarming, _alarm_state = ENTITIES.alias("alarming"), STATES.alias("alarm_state")
_SMOKE: Final = sa.exists(
    sa.select(_alarm_state.c.entity_id)
    .join(_alarming, _alarming.c.id == _alarm_state.c.entity_id)
    .where(
        _alarm_state.c.home_id == HOMES.c.id,
        sa.func.lower(_alarm_state.c.state) == sa.literal_column("'on'"),
        _alarming.c.role.in_([sa.literal(role, sa.Text) for role in ("smoke", "gas", "carbon_monoxide")]),
    )
    .correlate(HOMES)
)
_DEGREES: Final = frozenset({"°C", "°F", "C", "F"})
_own_state: Final = STATES.alias("own_state")
_TARGETS: Final = (
    sa.select(
        *(_e[name] for name in ("id", "home_id", "resident_id", "community_id", "component", "config", "role")),
        *(_e[name] for name in ("device_class", "unit", "name", "given_name", "unique_id")),
        _e.state.label("entity_state"),
        DEVICES.c.name.label("device_name"),
        DEVICES.c.given_name.label("device_given_name"),
        HOMES.c.key,
        HOMES.c.state.label("home_state"),
        HOMES.c.silent_since.is_not(None).label("is_silent"),
        _own_state.c.is_available,
        _SMOKE.label("smoke"),
    )
    .select_from(ENTITIES)
    .join(HOMES, HOMES.c.id == _e.home_id)
    .join(DEVICES, DEVICES.c.id == _e.device_id)
    .outerjoin(_own_state, _own_state.c.entity_id == _e.id)
    .where(_e.id == sa.any_(sa.bindparam("entity_ids", type_=ARRAY(sa.Uuid))))
)
_COMMAND: Final = sa.select(COMMANDS.c.home_id).where(COMMANDS.c.id == sa.bindparam("command_id", type_=sa.Uuid))


@dataclass(frozen=True, slots=True)
class Target:
    """What a command is for, and how that stands at this moment; ``smoke`` says whether smoke or gas is reported."""

    id: uuid.UUID
    home_id: uuid.UUID
    resident_id: uuid.UUID
    community_id: uuid.UUID
    component: str
    config: Mapping[str, Any]
    thing: Thing
    key: str
    home_state: str
    entity_state: str
    is_silent: bool
    is_available: bool | None
    smoke: bool
    is_own_button: bool


def _target(row: Any) -> Target:
    names = (row.name, row.given_name, row.device_name, row.device_given_name)
    unit = str(row.config.get("temperature_unit") or row.unit or "")
    return Target(
        id=row.id,
        home_id=row.home_id,
        resident_id=row.resident_id,
        community_id=row.community_id,
        component=row.component,
        config=row.config,
        thing=Thing(
            component=row.component,
            device_class=row.device_class,
            role=row.role,
            # Apart from each other: what one of them means is not to be changed by what another adds.
            names=" | ".join(name for name in names if name),
            is_fahrenheit="F" in unit,
            is_temperature=row.device_class == "temperature" or unit in _DEGREES,
        ),
        key=row.key,
        home_state=row.home_state,
        entity_state=row.entity_state,
        is_silent=row.is_silent,
        is_available=row.is_available,
        smoke=row.smoke,
        is_own_button=is_own_button(row.component, row.unique_id, row.config),
    )


async def targets(connection: AsyncConnection, entity_ids: list[uuid.UUID]) -> dict[uuid.UUID, Target]:
    """Return what commands are for, by the entities' ids."""
    rows = await connection.execute(_TARGETS, {"entity_ids": entity_ids})
    return {row.id: _target(row) for row in rows}


async def require_target(connection: AsyncConnection, actor: Actor, entity_id: uuid.UUID) -> Target:
    """Return what the actor may have do something; raises ``NotFound``, ``Forbidden`` without ``home:control``."""
    found = (await targets(connection, [entity_id])).get(entity_id)
    if found is None:
        raise NotFound
    await require_home(connection, actor, found.home_id, CONTROL)
    return found


async def require_command(connection: AsyncConnection, actor: Actor, command_id: uuid.UUID) -> HomeSubject:
    """Return the home a command is for if the actor may know of it; raises ``NotFound``, ``Forbidden``."""
    home_id = (await connection.execute(_COMMAND, {"command_id": command_id})).scalar_one_or_none()
    if home_id is None:
        raise NotFound
    return await require_home(connection, actor, home_id, CONTROL)


async def sees_all(connection: AsyncConnection, actor: Actor, home_id: uuid.UUID) -> bool:
    """Say whether somebody who may control a home also sees what others had done there: that tells of their day."""
    try:
        await require_home(connection, actor, home_id, READ)
    except (NotFound, Forbidden):
        return False
    return True


async def may_still(connection: AsyncConnection, account_id: uuid.UUID, home_id: uuid.UUID) -> bool:
    """Say whether somebody who gave a command may still control the home: asked anew when it is about to be sent."""
    actor = await actor_of(connection, account_id)
    if actor is None:
        return False
    try:
        await require_home(connection, actor, home_id, CONTROL)
    except (NotFound, Forbidden):
        return False
    return True


async def guard_entity(request: Request) -> Target:
    """Hand over the thing of the path to whom may have it do something: 401 for nobody, 404, 403."""
    actor, entity_id = await _asking(request, "entity_id")
    return await require_target(await connection_of(request), actor, entity_id)


async def guard_command(request: Request) -> HomeSubject:
    """Hand over the home of the path's command to whom may know of it: 401 for nobody, 404, 403."""
    actor, command_id = await _asking(request, "command_id")
    return await require_command(await connection_of(request), actor, command_id)


guard_entity.scope = CONTROL  # type: ignore[attr-defined]  # read by the access matrix test
guard_command.scope = CONTROL  # type: ignore[attr-defined]


async def _asking(request: Request, name: str) -> tuple[Actor, uuid.UUID]:
    actor = await authenticate(request)
    if actor.kind == "anonymous":
        raise Unauthenticated
    try:
        return actor, uuid.UUID(str(request.path_params[name]))
    except ValueError:
        raise Malformed(errors=[FieldError(f"/path/{name}", "not a UUID", "uuid_parsing")]) from None
