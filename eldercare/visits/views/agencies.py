"""The SQL that reads what an agency knows of its carers, and what was proposed for its days."""

import uuid
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core import audit
from app.core.access import Actor
from app.core.paging import Page, PageRequest, after, decode_cursor, next_cursor
from app.core.problems import NotFound
from app.dispatch.api import sentence
from app.identity.api import actor_binds, is_visible
from eldercare.carer_absences.views import absences_of_plan
from eldercare.carers.models import PROFILES, SHIFTS
from eldercare.visits.access import READ
from eldercare.visits.models import ROUTE_PLANS, ROUTE_STOPS
from eldercare.visits.schemas.agency import (
    CarerProfilePublic,
    RoutePlanPublic,
    RouteStopPublic,
    ShiftPublic,
)

_KIND = "eldercare.shifts"
_CARERS_KIND = "eldercare.carer_profiles"
_INSTANT = sa.DateTime(timezone=True)
_organization = sa.bindparam("organization_id", type_=sa.Uuid)
_limit = sa.bindparam("limit", type_=sa.Integer)

_PROFILES = (
    sa.select(PROFILES)
    .where(PROFILES.c.organization_id == _organization, after((PROFILES.c.id,), ("after_id",)))
    .order_by(PROFILES.c.id)
    .limit(_limit)
)
_SHIFTS = (
    sa.select(SHIFTS)
    .where(
        SHIFTS.c.organization_id == _organization,
        SHIFTS.c.ends_at > sa.bindparam("since", type_=_INSTANT),
        SHIFTS.c.starts_at < sa.bindparam("until", type_=_INSTANT),
        after((SHIFTS.c.starts_at, SHIFTS.c.id), ("after_starts_at", "after_id")),
    )
    .order_by(SHIFTS.c.starts_at, SHIFTS.c.id)
    .limit(_limit)
)
_ROUTE_PLAN = audit.traced(
    sa.select(ROUTE_PLANS).where(
        ROUTE_PLANS.c.id == sa.bindparam("route_plan_id", type_=sa.Uuid),
        ROUTE_PLANS.c.organization_id == _organization,
    ),
    "route_plan:read",
)
_STOPS = audit.traced_each(
    sa.select(ROUTE_STOPS)
    .where(
        ROUTE_STOPS.c.route_plan_id == sa.bindparam("route_plan_id", type_=sa.Uuid),
        is_visible(ROUTE_STOPS.c.resident_id, READ),
    )
    .order_by(ROUTE_STOPS.c.starts_at, ROUTE_STOPS.c.visit_id, ROUTE_STOPS.c.id),
    "visits:route_plan",
)
_ALL = 2**31 - 1


async def carer_profiles(
    connection: AsyncConnection, organization_id: uuid.UUID, page: PageRequest
) -> Page[CarerProfilePublic]:
    """Return a page of what an agency's planner knows of its carers."""
    (last_id,) = decode_cursor(_CARERS_KIND, page.cursor) if page.cursor else (None,)
    binds = {
        "organization_id": organization_id,
        "limit": page.limit + 1,
        "after_id": uuid.UUID(last_id) if last_id else None,
    }
    rows = list(await connection.execute(_PROFILES, binds))
    items = [CarerProfilePublic.model_validate(dict(row._mapping)) for row in rows[: page.limit]]  # noqa: SLF001
    return Page(items=items, next=next_cursor(_CARERS_KIND, rows, page.limit, ["id"]))


async def shifts(
    connection: AsyncConnection, organization_id: uuid.UUID, span: tuple[datetime, datetime], page: PageRequest
) -> Page[ShiftPublic]:
    """Return a page of an agency's shifts that touch a stretch of time, in order."""
    starts_at, last_id = decode_cursor(_KIND, page.cursor) if page.cursor else (None, None)
    binds: dict[str, Any] = {
        "organization_id": organization_id,
        "since": span[0],
        "until": span[1],
        "limit": page.limit + 1,
        "after_starts_at": datetime.fromisoformat(starts_at) if starts_at else None,
        "after_id": uuid.UUID(last_id) if last_id else None,
    }
    rows = list(await connection.execute(_SHIFTS, binds))
    items = [ShiftPublic.model_validate(dict(row._mapping)) for row in rows[: page.limit]]  # noqa: SLF001
    return Page(items=items, next=next_cursor(_KIND, rows, page.limit, ["starts_at", "id"]))


async def route_plan(
    connection: AsyncConnection, actor: Actor, organization_id: uuid.UUID, route_plan_id: uuid.UUID, language: str
) -> RoutePlanPublic:
    """Return a proposal with a sentence in ``language`` for each visit nobody was found for; raises ``NotFound``.

    Visits to residents whom the agency serves no longer are left out.
    """
    binds = {
        "route_plan_id": route_plan_id,
        "organization_id": organization_id,
        **audit.trace_binds(actor, resident_id=None, object_id=route_plan_id),
    }
    plan = (await connection.execute(_ROUTE_PLAN, binds)).one_or_none()
    if plan is None:
        raise NotFound
    stops: dict[uuid.UUID, RouteStopPublic] = {}
    of_plan = {
        "route_plan_id": route_plan_id,
        **actor_binds(actor, READ),
        **audit.trace_each_binds(actor, shown=_ALL, object_id=route_plan_id),
    }
    for row in await connection.execute(_STOPS, of_plan):
        stop = stops.setdefault(
            row.visit_id,
            RouteStopPublic(
                visit_id=row.visit_id,
                resident_id=row.resident_id,
                starts_at=row.starts_at,
                ends_at=row.ends_at,
                carers=[],
                replaces=[],
                unassigned=sentence(language, row.reason, frozenset(row.skills)) if row.reason else None,
            ),
        )
        stop.carers.extend([row.account_id] if row.account_id else [])
        stop.replaces.extend([row.replaces] if row.replaces else [])
    away = await absences_of_plan(connection, route_plan_id)
    return RoutePlanPublic.model_validate({**plan._mapping, "stops": list(stops.values()), "absences": away})  # noqa: SLF001
