"""The SQL that reads whose calendars are read elsewhere, what is to be read, and how it went."""

import uuid
from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.access import Actor
from app.core.problems import Forbidden, NotFound
from app.identity.api import is_active_account
from app.reservations.api import at_odds, blocked_by
from telemedicine.calendars.models import BUSY_CALENDARS
from telemedicine.calendars.schemas import BusyCalendarPublic, BusyConflict
from telemedicine.clinics.models import CLINICS, PRACTITIONERS

_p, _b = PRACTITIONERS, BUSY_CALENDARS
_PEOPLE = sa.select(_p.c.community_id, _p.c.organization_id, _p.c.calendar_id, _p.c.account_id)
_BY_ACCOUNT = _PEOPLE.where(_p.c.account_id == sa.bindparam("account_id", type_=sa.Uuid), _p.c.is_active)
_BY_ID = _PEOPLE.where(
    _p.c.id == sa.bindparam("practitioner_id", type_=sa.Uuid),
    _p.c.organization_id == sa.bindparam("organization_id", type_=sa.Uuid),
)
_OF_ACCOUNT = sa.select(_b).where(_b.c.account_id == sa.bindparam("account_id", type_=sa.Uuid)).order_by(_b.c.id)
_OF_CALENDAR = sa.select(_b).where(_b.c.calendar_id == sa.bindparam("calendar_id", type_=sa.Uuid)).order_by(_b.c.id)
_AT_WORK: Final = sa.and_(
    _p.c.calendar_id == _b.c.calendar_id,
    _p.c.is_active,
    sa.or_(_p.c.account_id.is_(None), is_active_account(_p.c.account_id)),
)
_ZONE = (
    sa.select(sa.func.coalesce(_p.c.time_zone, CLINICS.c.time_zone))
    .join(CLINICS, CLINICS.c.organization_id == _p.c.organization_id)
    .where(_AT_WORK)
    .order_by(_p.c.id)
    .limit(1)
    .scalar_subquery()
)
_ASKED = sa.select(
    *(_b.c[name] for name in ("id", "url", "etag", "last_modified", "imported_at")), _ZONE.label("time_zone")
).where(_b.c.id == sa.any_(sa.bindparam("ids", type_=ARRAY(sa.Uuid))))
_CONCERNED = (
    sa.select(_p.c.organization_id, _p.c.account_id, _p.c.name)
    .select_from(_b.join(_p, _AT_WORK))
    .where(_b.c.id == sa.bindparam("id", type_=sa.Uuid))
    .order_by(_p.c.id)
)


@dataclass(frozen=True, slots=True)
class Whose:
    """A practitioner and their calendar, which is one for all of their clinics."""

    community_id: uuid.UUID
    organization_id: uuid.UUID
    calendar_id: uuid.UUID
    account_id: uuid.UUID | None


async def whose_own(connection: AsyncConnection, actor: Actor) -> Whose:
    """Return the actor as the practitioner they are; raises ``Forbidden`` for who works as none today."""
    held = {one.organization_id for one in actor.memberships if one.role == "clinician"}
    rows = await connection.execute(_BY_ACCOUNT, {"account_id": actor.id})
    found = next((row for row in rows if row.organization_id in held), None)
    if found is None:
        raise Forbidden("only practitioners have times to block")
    return Whose(*found)


async def whose_at(connection: AsyncConnection, organization_id: uuid.UUID, practitioner_id: uuid.UUID) -> Whose:
    """Return a practitioner of a clinic; raises ``NotFound``."""
    binds = {"practitioner_id": practitioner_id, "organization_id": organization_id}
    found = (await connection.execute(_BY_ID, binds)).one_or_none()
    if found is None:
        raise NotFound
    return Whose(*found)


async def own(connection: AsyncConnection, account_id: uuid.UUID) -> list[BusyCalendarPublic]:
    """Return the calendars of somebody that are read elsewhere."""
    return await shown(connection, list(await connection.execute(_OF_ACCOUNT, {"account_id": account_id})))


async def of_calendar(connection: AsyncConnection, calendar_id: uuid.UUID) -> list[BusyCalendarPublic]:
    """Return the calendars that block a practitioner's, whoever gave their addresses."""
    return await shown(connection, list(await connection.execute(_OF_CALENDAR, {"calendar_id": calendar_id})))


async def shown(connection: AsyncConnection, rows: Collection[Any]) -> list[BusyCalendarPublic]:
    """Return calendars (rows or models) with what they block, and what is booked all the same."""
    ids = [row.id for row in rows]
    if not ids:
        return []
    busy = await blocked_by(connection, ids)
    conflicts: defaultdict[uuid.UUID, list[BusyConflict]] = defaultdict(list)
    for one in await at_odds(connection, ids):
        conflicts[one.source_id].append(BusyConflict.model_validate(one, from_attributes=True))
    told = ("id", "host", "created_at", "fetched_at", "imported_at", "error", "failing_since", "skipped")
    return [
        BusyCalendarPublic(
            **{name: getattr(row, name) for name in told}, busy=busy.get(row.id, 0), conflicts=conflicts[row.id]
        )
        for row in rows
    ]


async def asked(connection: AsyncConnection, ids: Collection[uuid.UUID]) -> dict[uuid.UUID, Any]:
    """Return what is needed to read calendars; ``time_zone`` is empty if whose it is works nowhere."""
    return {row.id: row for row in await connection.execute(_ASKED, {"ids": list(ids)})}


async def concerned(connection: AsyncConnection, row_id: uuid.UUID) -> list[sa.Row[Any]]:
    """Return whose calendar it is, as a practitioner of each of their clinics."""
    return list(await connection.execute(_CONCERNED, {"id": row_id}))
