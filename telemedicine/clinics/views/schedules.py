"""The SQL that reads when practitioners, rooms and interpreters are there, as the schedules that rules go by."""

import uuid
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final, Literal

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.statements import HotStatement
from app.identity.api import is_active_account, local_calendar
from telemedicine.clinics.models import AVAILABILITIES, BOOKABLE_RESOURCES, CLINICS, EXCEPTIONS, PRACTITIONERS
from telemedicine.clinics.rules import Closure, Extra, Hours, Schedule

_NEVER: Final = datetime(1900, 1, 1, tzinfo=UTC)
_MARGIN: Final = timedelta(days=2)
_IDS: Final = ARRAY(sa.Uuid)

_p, _r, _c = PRACTITIONERS, BOOKABLE_RESOURCES, CLINICS
_PEOPLE = sa.select(
    _p.c.id,
    sa.literal("practitioner", sa.Text).label("kind"),
    _p.c.community_id,
    _p.c.organization_id,
    _p.c.calendar_id,
    sa.func.coalesce(_p.c.time_zone, _c.c.time_zone).label("time_zone"),
    _c.c.time_zone.label("clinic_zone"),
    sa.and_(_p.c.is_active, sa.or_(_p.c.account_id.is_(None), is_active_account(_p.c.account_id))).label("is_there"),
    _p.c.licence_ends_at.label("until"),
    _p.c.version,
).join(_c, _c.c.organization_id == _p.c.organization_id)
_THINGS = sa.select(
    _r.c.id,
    sa.literal("resource", sa.Text).label("kind"),
    _r.c.community_id,
    _r.c.organization_id,
    _r.c.calendar_id,
    sa.func.coalesce(_r.c.time_zone, _c.c.time_zone).label("time_zone"),
    _c.c.time_zone.label("clinic_zone"),
    sa.and_(_r.c.is_active, sa.or_(_r.c.account_id.is_(None), is_active_account(_r.c.account_id))).label("is_there"),
    sa.cast(sa.null(), sa.DateTime(timezone=True)).label("until"),
    _r.c.version,
).join(_c, _c.c.organization_id == _r.c.organization_id)

_ids = sa.bindparam("ids", type_=_IDS)
_organization_id = sa.bindparam("organization_id", type_=sa.Uuid)
_BY_ID = HotStatement(sa.union_all(_PEOPLE.where(_p.c.id == sa.any_(_ids)), _THINGS.where(_r.c.id == sa.any_(_ids))))
_OF_CLINIC = sa.union_all(
    _PEOPLE.where(_p.c.organization_id == _organization_id), _THINGS.where(_r.c.organization_id == _organization_id)
)
_OF_ACCOUNT = _PEOPLE.where(_p.c.account_id == sa.bindparam("account_id", type_=sa.Uuid)).order_by(_p.c.id)
_HOURS = HotStatement(
    sa.select(AVAILABILITIES)
    .where(
        sa.or_(AVAILABILITIES.c.practitioner_id == sa.any_(_ids), AVAILABILITIES.c.resource_id == sa.any_(_ids)),
    )
    .order_by(AVAILABILITIES.c.weekday, AVAILABILITIES.c.starts_minute, AVAILABILITIES.c.id)
)
_EXCEPTIONS = HotStatement(
    sa.select(EXCEPTIONS)
    .where(
        EXCEPTIONS.c.ends_local >= sa.bindparam("after", type_=sa.DateTime(timezone=False)),
        sa.or_(
            EXCEPTIONS.c.practitioner_id == sa.any_(_ids),
            EXCEPTIONS.c.resource_id == sa.any_(_ids),
            sa.and_(
                EXCEPTIONS.c.organization_id == sa.any_(sa.bindparam("organization_ids", type_=_IDS)),
                EXCEPTIONS.c.practitioner_id.is_(None),
                EXCEPTIONS.c.resource_id.is_(None),
            ),
        ),
    )
    .order_by(EXCEPTIONS.c.starts_local, EXCEPTIONS.c.id)
)


@dataclass(frozen=True, slots=True)
class Owner:
    """Somebody or something that has a schedule and a calendar; ``until`` is the end of their licence."""

    id: uuid.UUID
    kind: Literal["practitioner", "resource"]
    community_id: uuid.UUID
    organization_id: uuid.UUID
    calendar_id: uuid.UUID
    time_zone: str
    clinic_zone: str
    is_there: bool
    until: datetime | None
    version: int


async def owners(connection: AsyncConnection, ids: Iterable[uuid.UUID]) -> list[Owner]:
    """Return those of the practitioners and resources that there are."""
    return [Owner(*row) for row in await _BY_ID.rows(connection, {"ids": list(ids)})]


async def owners_at(connection: AsyncConnection, organization_id: uuid.UUID) -> list[Owner]:
    """Return all practitioners and resources of a clinic."""
    return [Owner(*row) for row in await connection.execute(_OF_CLINIC, {"organization_id": organization_id})]


async def own(connection: AsyncConnection, account_id: uuid.UUID) -> list[Owner]:
    """Return a person as the practitioner they are, once for each clinic."""
    return [Owner(*row) for row in await connection.execute(_OF_ACCOUNT, {"account_id": account_id})]


async def hours_of(connection: AsyncConnection, owner_id: uuid.UUID) -> list[sa.Row[Any]]:
    """Return the weekly hours of a practitioner or resource, by weekday."""
    return await _HOURS.rows(connection, {"ids": [owner_id]})


async def schedules(connection: AsyncConnection, wanted: Sequence[Owner], since: datetime) -> dict[uuid.UUID, Schedule]:
    """Return the schedule of each, good from ``since`` on: exceptions that were over by then are left out."""
    ids = [owner.id for owner in wanted]
    if not ids:
        return {}
    weekly: defaultdict[uuid.UUID, list[Hours]] = defaultdict(list)
    for row in await _HOURS.rows(connection, {"ids": ids}):
        weekly[row.practitioner_id or row.resource_id].append(_hours(row))
    binds = {
        "ids": ids,
        "organization_ids": list({owner.organization_id for owner in wanted}),
        "after": (since - _MARGIN).replace(tzinfo=None),
    }
    others: defaultdict[uuid.UUID, list[sa.Row[Any]]] = defaultdict(list)
    for row in await _EXCEPTIONS.rows(connection, binds):
        others[row.practitioner_id or row.resource_id or row.organization_id].append(row)
    return {owner.id: _schedule(owner, weekly[owner.id], others) for owner in wanted}


def _hours(row: sa.Row[Any]) -> Hours:
    return Hours(
        row.weekday,
        row.starts_minute,
        row.ends_minute,
        row.valid_from,
        row.valid_until,
        frozenset(row.visit_type_ids),
        row.location_id,
        row.on_holidays,
    )


def _schedule(owner: Owner, weekly: Sequence[Hours], others: dict[uuid.UUID, list[sa.Row[Any]]]) -> Schedule:
    if not owner.is_there:
        return Schedule(owner.time_zone, until=_NEVER)
    rows = others.get(owner.id, [])
    return Schedule(
        time_zone=owner.time_zone,
        weekly=tuple(weekly),
        extra=tuple(
            Extra(row.starts_local, row.ends_local, frozenset(row.visit_type_ids), row.location_id)
            for row in rows
            if row.kind == "extra"
        ),
        closed=(
            *(Closure(row.starts_local, row.ends_local, owner.time_zone) for row in rows if row.kind == "closed"),
            *(
                Closure(row.starts_local, row.ends_local, owner.clinic_zone)
                for row in others.get(owner.organization_id, [])
            ),
        ),
        until=owner.until,
        # A room without hours of its own is there whenever somebody is in it.
        always=owner.kind == "resource" and not weekly,
    )


async def holidays(
    connection: AsyncConnection, community_id: uuid.UUID, since: datetime, until: datetime
) -> frozenset[date]:
    """Return the community's holidays around a stretch of time.

    A make-up workday changes no hours: whose hours those of the weekend would be is for the clinic to say, as extra.
    """
    first, last = (since - _MARGIN).date(), (until + _MARGIN).date()
    days = await local_calendar(connection, community_id, first, last)
    return frozenset(day.day for day in days if not day.is_workday)
