"""The SQL that reads what is proposed for an organization's day."""

import uuid
from typing import Final

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core import audit
from app.core.access import Actor
from app.core.problems import NotFound
from app.dispatch.api import sentence
from app.identity.api import actor_binds, is_visible
from app.policies.journeys.day_plans.models import PLANS, STOPS
from app.policies.journeys.day_plans.schemas import DayPlanPublic, DayPlanStopPublic
from eldercare.api import VISITS_READ

_ALL: Final = 2**31 - 1
_plan_id = sa.bindparam("day_plan_id", type_=sa.Uuid)
_PLAN: Final = audit.traced(
    sa.select(PLANS).where(
        PLANS.c.id == _plan_id, PLANS.c.organization_id == sa.bindparam("organization_id", type_=sa.Uuid)
    ),
    "day_plan:read",
)
# An order is its provider's; a visit is seen under an agreement with the resident, as long as there is one.
_STOPS: Final = audit.traced_each(
    sa.select(STOPS)
    .where(
        STOPS.c.day_plan_id == _plan_id,
        sa.or_(STOPS.c.kind == sa.literal("order", sa.Text), is_visible(STOPS.c.resident_id, VISITS_READ)),
    )
    .order_by(STOPS.c.starts_at, STOPS.c.item_id, STOPS.c.id),
    "visits:day_plan",
)


async def day_plan(
    connection: AsyncConnection, actor: Actor, organization_id: uuid.UUID, day_plan_id: uuid.UUID, language: str
) -> DayPlanPublic:
    """Return a plan with a sentence in ``language`` for what nobody was found for; raises ``NotFound``."""
    traced = audit.trace_binds(actor, resident_id=None, object_id=day_plan_id)
    binds = {"day_plan_id": day_plan_id, "organization_id": organization_id, **traced}
    plan = (await connection.execute(_PLAN, binds)).one_or_none()
    if plan is None:
        raise NotFound
    of_plan = {
        "day_plan_id": day_plan_id,
        **actor_binds(actor, VISITS_READ),
        **audit.trace_each_binds(actor, shown=_ALL, object_id=day_plan_id),
    }
    stops: dict[uuid.UUID, DayPlanStopPublic] = {}
    for row in await connection.execute(_STOPS, of_plan):
        stop = stops.setdefault(
            row.item_id,
            DayPlanStopPublic(
                kind=row.kind,
                item_id=row.item_id,
                resident_id=row.resident_id,
                planned_at=row.planned_at,
                starts_at=row.starts_at,
                ends_at=row.ends_at,
                people=[],
                replaces=[],
                unassigned=sentence(language, row.reason, frozenset(row.skills)) if row.reason else None,
            ),
        )
        stop.people.extend([row.account_id] if row.account_id else [])
        stop.replaces.extend([row.replaces] if row.replaces else [])
    return DayPlanPublic.model_validate({**plan._mapping, "stops": list(stops.values())})  # noqa: SLF001
