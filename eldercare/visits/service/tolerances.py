"""Saying how long is waited for visits: the operator for all, an agency, and for a care plan."""

import uuid
from collections.abc import Mapping

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from app.core import audit, clock, wakeups
from app.core.access import Actor
from app.core.problems import FieldError, Malformed
from app.identity.api import Member, ResidentSubject
from eldercare.tolerances.repository import said_for, say
from eldercare.tolerances.rules import Scope, contradicts, resolve
from eldercare.tolerances.schemas import AppliedTolerances, VisitTolerancesPublic, VisitTolerancesWrite
from eldercare.tolerances.views import written
from eldercare.visits import repository
from eldercare.visits.models import CARE_PLANS, TEMPLATES, VISITS, CarePlan
from eldercare.visits.service.applying import CRITICAL, Plan, PlanLike, align, levels_of
from eldercare.visits.service.plans import lock_plan

_NOW = sa.bindparam("moment", type_=sa.DateTime(timezone=True))
_scope_id = sa.bindparam("of_scope", type_=sa.Uuid)
_IS_OF_SCOPE: Mapping[Scope, sa.ColumnElement[bool]] = {
    "community": TEMPLATES.c.community_id == _scope_id,
    "agency": TEMPLATES.c.organization_id == _scope_id,
    "care_plan": TEMPLATES.c.care_plan_id == _scope_id,
}
_SCOPE_IDS: Mapping[Scope, sa.ColumnElement[uuid.UUID]] = {
    "community": CARE_PLANS.c.community_id,
    "agency": CARE_PLANS.c.organization_id,
    "care_plan": CARE_PLANS.c.id,
}
_PLAN_AGAIN = {
    scope: sa.update(TEMPLATES)
    .where(condition, TEMPLATES.c.state == sa.literal("active", sa.Text))
    .values(plan_at=_NOW, updated_at=_NOW)
    for scope, condition in _IS_OF_SCOPE.items()
}
_PLANS_OF = {
    scope: sa.select(CARE_PLANS.c.id)
    .where(column == _scope_id, CARE_PLANS.c.state == sa.literal("active", sa.Text))
    .order_by(CARE_PLANS.c.id)
    .with_for_update(read=True)
    for scope, column in _SCOPE_IDS.items()
}
_EXTRA_OF = {
    scope: sa.select(CARE_PLANS.c.id, CARE_PLANS.c.community_id, CARE_PLANS.c.organization_id)
    .where(
        _SCOPE_IDS[scope] == _scope_id,
        CARE_PLANS.c.state == sa.literal("active", sa.Text),
        sa.exists().where(
            VISITS.c.care_plan_id == CARE_PLANS.c.id,
            VISITS.c.starts_at > _NOW,
            VISITS.c.template_id.is_(None) if scope != "care_plan" else sa.true(),
        ),
    )
    .order_by(CARE_PLANS.c.id)
    for scope in _IS_OF_SCOPE
}


async def of_agency(connection: AsyncConnection, member: Member, organization_id: uuid.UUID) -> VisitTolerancesPublic:
    """Return what an agency says, and what applies by it; of the operator, what its community says."""
    scope, scope_id = scope_of(member, organization_id)
    return await _shown(connection, _chain(scope, scope_id, member.community_id))


async def of_plan(connection: AsyncConnection, plan: PlanLike) -> VisitTolerancesPublic:
    """Return what is said for a care plan, and what applies by it."""
    return await _shown(connection, [plan.community_id, plan.organization_id, plan.id])


async def set_for_agency(
    session: AsyncSession,
    actor: Actor,
    member: Member,
    organization_id: uuid.UUID,
    data: VisitTolerancesWrite,
    if_match: int | None,
) -> None:
    """Say how long is waited for an agency's visits, and as the operator for all; it reaches those ahead in moments.

    Raises ``StaleVersion``, and ``Malformed`` if by it a visit were missed before it is late.
    """
    scope, scope_id = scope_of(member, organization_id)
    await _check(session, _chain(scope, scope_id, member.community_id)[:-1], data)
    about = {"community_id": member.community_id, "changed_by": actor.id}
    await say(session, scope, scope_id, data.values(), if_match=if_match, **about)
    await _reach(session, scope, scope_id)
    await audit.record(session, actor, "visit_tolerances:set", object_id=scope_id)


async def set_for_plan(
    session: AsyncSession,
    actor: Actor,
    subject: ResidentSubject,
    care_plan_id: uuid.UUID,
    data: VisitTolerancesWrite,
    if_match: int | None,
) -> CarePlan:
    """Say how long is waited for the visits of a plan; those ahead follow at once.

    Raises ``NotFound``, ``Forbidden``, ``CarePlanEnded``, ``StaleVersion``, ``Malformed``.
    """
    plan = await lock_plan(session, actor, subject.resident_id, care_plan_id)
    await _check(session, [plan.community_id, plan.organization_id], data)
    about = {"community_id": plan.community_id, "resident_id": plan.resident_id, "changed_by": actor.id}
    await say(session, "care_plan", plan.id, data.values(), if_match=if_match, **about)
    await _reach(session, "care_plan", plan.id)
    await audit.record(
        session,
        actor,
        "visit_tolerances:set",
        resident_id=plan.resident_id,
        object_id=plan.id,
        community_id=plan.community_id,
    )
    return plan


async def _reach(session: AsyncSession, scope: Scope, scope_id: uuid.UUID) -> None:
    """Have what recurs planned again, and bring what does not in line at once.

    Whoever plans at that moment is waited for: what they wrote is found then. A single visit is planned under the lock
    of its plan, which is taken before anything else, as everywhere.
    """
    now = clock.now()
    await session.execute(_PLANS_OF[scope], {"of_scope": scope_id})
    await session.execute(_PLAN_AGAIN[scope], {"of_scope": scope_id, "moment": now})
    wakeups.request(session, repository.CHANNEL)
    plans = list(await session.execute(_EXTRA_OF[scope], {"of_scope": scope_id, "moment": now}))
    await align(session, [Plan(row.id, row.community_id, row.organization_id) for row in plans])


async def _check(session: AsyncSession, above: list[uuid.UUID], data: VisitTolerancesWrite) -> None:
    levels = levels_of(await said_for(await session.connection(), above), above)
    if contradicts([*levels, data.values()]):
        detail = "a visit is late before it is missed"
        raise Malformed(errors=[FieldError("/body/late_after", detail, "out_of_range")])


async def _shown(connection: AsyncConnection, chain: list[uuid.UUID]) -> VisitTolerancesPublic:
    said = await said_for(connection, chain)
    levels = levels_of(said, chain)
    own = said.get(chain[-1])
    usual, critical = (AppliedTolerances.of(resolve(levels, is_critical=one)) for one in CRITICAL)
    return VisitTolerancesPublic(
        said=written(own) if own else VisitTolerancesWrite(),
        revision=own.revision if own else 0,
        changed_by=own.changed_by if own else None,
        changed_at=own.created_at if own else None,
        applies=usual,
        applies_where_time_matters=critical,
    )


def scope_of(member: Member, organization_id: uuid.UUID) -> tuple[Scope, uuid.UUID]:
    """Return for what an organization speaks: itself, and the operator for its community."""
    if member.organization_kind == "operator" and member.organization_id == organization_id:
        return "community", member.community_id
    return "agency", organization_id


def _chain(scope: Scope, scope_id: uuid.UUID, community_id: uuid.UUID) -> list[uuid.UUID]:
    return [community_id] if scope == "community" else [community_id, scope_id]
