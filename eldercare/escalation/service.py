"""Making, testing and activating escalation plans."""

import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.core import audit, clock
from app.core.access import Actor
from app.core.problems import Conflict, FieldError, Forbidden, Malformed, NotFound
from app.identity.api import duty_desk, organizations_serving
from eldercare.escalation.models import DeskTest, EscalationPlan, EscalationStep
from eldercare.escalation.notices import DESK_TEST
from eldercare.escalation.problems import DeskNotTested, PlanNotADraft
from eldercare.escalation.rules import PLAN_TRANSITIONS, SERVED, TEST_HOLDS, Step, faults, proves
from eldercare.escalation.schemas import StepData
from notifications.api import send


async def make_plan(
    session: AsyncSession,
    actor: Actor,
    steps: Sequence[StepData],
    *,
    community_id: uuid.UUID,
    resident_id: uuid.UUID | None = None,
) -> EscalationPlan:
    """Write a new plan as a draft and return it.

    Raises ``Malformed`` unless its last step is the duty desk, and for organizations that do not serve the resident.
    """
    wrong = [FieldError(*fault) for fault in faults([_step(number, step) for number, step in enumerate(steps, 1)])]
    if resident_id is not None:
        wrong += await _strangers(session, resident_id, steps)
    if wrong:
        raise Malformed(errors=wrong)
    plan = EscalationPlan(community_id=community_id, resident_id=resident_id, created_by=actor.id)
    session.add(plan)
    await session.flush()
    session.add_all(
        EscalationStep(plan_id=plan.id, position=number, **step.model_dump()) for number, step in enumerate(steps, 1)
    )
    await session.flush()
    await _record(session, actor, "escalation_plan:make", plan)
    return plan


async def _strangers(session: AsyncSession, resident_id: uuid.UUID, steps: Sequence[StepData]) -> list[FieldError]:
    """Return a fault for each step that would call people who have nothing to do with the resident."""
    serving = await organizations_serving(await session.connection(), [resident_id], SERVED)
    return [
        FieldError(f"/body/steps/{index}/target_id", "does not serve this resident", "not_serving")
        for index, step in enumerate(steps)
        if step.target_kind == "organization" and step.target_id and step.target_id not in serving[resident_id]
    ]


async def lock_plan(session: AsyncSession, plan_id: uuid.UUID) -> EscalationPlan:
    """Return a plan, locked; raises ``NotFound``."""
    plan: EscalationPlan | None = await session.scalar(
        sa.select(EscalationPlan).where(col(EscalationPlan.id) == plan_id).with_for_update()
    )
    if plan is None:
        raise NotFound
    return plan


async def activate_plan(session: AsyncSession, actor: Actor, plan: EscalationPlan) -> EscalationPlan:
    """Put a locked draft in the place of the plan before it and return it; alarms under way keep climbing theirs.

    Raises ``PlanNotADraft``, and ``DeskNotTested`` unless a person at the desk answered a test of its last step.
    """
    last = await session.scalar(
        sa.select(EscalationStep)
        .where(col(EscalationStep.plan_id) == plan.id)
        .order_by(col(EscalationStep.position).desc())
        .limit(1)
    )
    if last is None or last.target_kind != "duty_desk":
        raise Conflict("the last step must be the duty desk")
    now = clock.now()
    tested_at = await _tested_at(session, plan.community_id, last.channels)
    if tested_at is None:
        raise DeskNotTested(channels=last.channels)
    before = await session.scalar(
        sa.select(EscalationPlan)
        .where(
            col(EscalationPlan.community_id) == plan.community_id,
            col(EscalationPlan.resident_id).is_not_distinct_from(plan.resident_id),
            col(EscalationPlan.state) == "active",
        )
        .with_for_update()
    )
    if before is not None and before.id != plan.id:
        _move(before, "retire")
        before.retired_at = now
        await session.flush()
    _move(plan, "activate")
    plan.tested_at, plan.activated_at = tested_at, now
    await session.flush()
    await _record(session, actor, "escalation_plan:activate", plan)
    return plan


async def test_desk(session: AsyncSession, actor: Actor, community_id: uuid.UUID, channels: Sequence[str]) -> DeskTest:
    """Send a test notice to everyone at the duty desk and return the test, which one of them has to answer."""
    desk = await duty_desk(await session.connection(), community_id)
    test = DeskTest(community_id=community_id, channels=list(channels), sent_at=clock.now(), sent_by=actor.id)
    session.add(test)
    await session.flush()
    await send(
        session,
        DESK_TEST,
        desk,
        community_id=community_id,
        dedupe_key=f"desk_test:{test.id}",
        data={"desk_test_id": str(test.id)},
        channels=[*channels, "inbox"],
    )
    await audit.record(session, actor, "desk_test:send", object_id=test.id, community_id=community_id)
    return test


async def answer_test(session: AsyncSession, actor: Actor, test_id: uuid.UUID) -> DeskTest:
    """Answer a test as a person at the desk; raises ``Forbidden`` for others, ``NotFound`` for other communities'."""
    if actor.id not in await duty_desk(await session.connection(), actor.community_id):
        raise Forbidden("only somebody at the duty desk can answer its test")
    test: DeskTest | None = await session.scalar(
        sa.select(DeskTest).where(col(DeskTest.id) == test_id).with_for_update()
    )
    if test is None or test.community_id != actor.community_id:
        raise NotFound
    if test.answered_at is None:
        test.answered_at, test.answered_by = clock.now(), actor.id
        await session.flush()
        await audit.record(session, actor, "desk_test:answer", object_id=test.id)
    return test


async def _tested_at(session: AsyncSession, community_id: uuid.UUID, channels: Sequence[str]) -> datetime | None:
    tests = await session.scalars(
        sa.select(DeskTest)
        .where(col(DeskTest.community_id) == community_id, col(DeskTest.sent_at) >= clock.now() - 2 * TEST_HOLDS)
        .order_by(col(DeskTest.id).desc())
    )
    now = clock.now()
    outgoing = [channel for channel in channels if channel != "inbox"]
    return next((test.answered_at for test in tests if proves(outgoing, test.channels, test.answered_at, now)), None)


def _move(plan: EscalationPlan, action: str) -> None:
    sources, target = PLAN_TRANSITIONS[action]
    if plan.state not in sources:
        raise PlanNotADraft
    plan.state = target


def _step(position: int, data: StepData) -> Step:
    return Step(
        position=position,
        target_kind=data.target_kind,
        wait=timedelta(seconds=data.wait_seconds),
        channels=tuple(data.channels),
        target_id=data.target_id,
        target_order=data.target_order,
        target_role=data.target_role,
    )


async def _record(session: AsyncSession, actor: Actor, action: str, plan: EscalationPlan) -> None:
    await audit.record(
        session, actor, action, resident_id=plan.resident_id, object_id=plan.id, community_id=plan.community_id
    )
