"""Who may do what with an alarm: guards that find it among what the actor may see and hand it over."""

import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import sqlalchemy as sa
from fastapi import Request
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.access import Actor, authenticate
from app.core.problems import FieldError, Forbidden, Malformed, NotFound, Unauthenticated
from app.core.routing import connection_of
from app.core.tables import table_of
from app.identity.api import actor_binds, is_visible
from eldercare.alarms.models import OPEN_STATES, Alarm
from eldercare.alarms.problems import NotForTheResident

_alarms = table_of(Alarm)
# Who may raise alarms learns of the one theirs joins; who may do neither does not know of it.
_KNOWN_BY = ("alarms:read", "alarms:raise")


@dataclass(frozen=True, slots=True)
class AlarmSubject:
    """The alarm a request is about."""

    id: uuid.UUID
    resident_id: uuid.UUID
    community_id: uuid.UUID


def shows(scope: str) -> sa.ColumnElement[bool]:
    """Return the SQL condition that the bound actor has ``scope`` on an alarm.

    Emergency access is to what goes on: of alarms that are over it shows nothing. Execute with
    ``actor_binds(actor, scope)``.
    """
    resident_id = _alarms.c.resident_id
    is_open = _alarms.c.state.in_(sorted(state.value for state in OPEN_STATES))
    return sa.or_(is_visible(resident_id, scope, lasting=True), sa.and_(is_open, is_visible(resident_id, scope)))


@cache
def _statement(scope: str) -> sa.Select[Any]:
    return sa.select(
        _alarms.c.id,
        _alarms.c.resident_id,
        _alarms.c.community_id,
        sa.or_(*map(shows, _KNOWN_BY)).label("is_known"),
        shows(scope).label("is_allowed"),
    ).where(_alarms.c.id == sa.bindparam("alarm_id", type_=sa.Uuid))


async def require_alarm(connection: AsyncConnection, actor: Actor, alarm_id: uuid.UUID, scope: str) -> AlarmSubject:
    """Return the alarm if ``actor`` has ``scope`` on its resident.

    Raises ``NotFound`` if the actor may not know of it, ``Forbidden`` if they may but lack the scope, and
    ``NotForTheResident`` if the resident themselves would answer it.
    """
    binds = actor_binds(actor, *{scope, *_KNOWN_BY}) | {"alarm_id": alarm_id}
    row = (await connection.execute(_statement(scope), binds)).one_or_none()
    if row is None or not (row.is_known or row.is_allowed):
        raise NotFound
    if not row.is_allowed:
        raise Forbidden(f"this needs {scope}")
    if scope == "alarms:respond" and actor.resident_id == row.resident_id:
        raise NotForTheResident
    return AlarmSubject(row.id, row.resident_id, row.community_id)


def alarm_guard(scope: str) -> Callable[[Request], Awaitable[AlarmSubject]]:
    """Return the dependency that hands over the alarm of ``/alarms/{alarm_id}/…`` routes.

    Answers 401 to nobody, 404 where the actor may not know of the alarm, 403 without ``scope``.
    """

    async def guard(request: Request) -> AlarmSubject:
        actor = await authenticate(request)
        if actor.kind == "anonymous":
            raise Unauthenticated
        try:
            alarm_id = uuid.UUID(str(request.path_params["alarm_id"]))
        except ValueError:
            raise Malformed(errors=[FieldError("/path/alarm_id", "not a UUID", "uuid_parsing")]) from None
        return await require_alarm(await connection_of(request), actor, alarm_id, scope)

    guard.__name__ = f"guard_alarm_{scope.replace(':', '_')}"
    guard.scope = scope  # type: ignore[attr-defined]  # read by the access matrix test
    return guard
