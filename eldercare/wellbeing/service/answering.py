"""What people do about flags: say that they see to it, dismiss it, ask to be told of the next."""

import uuid

from sqlalchemy.ext.asyncio import AsyncSession

from app.core import audit, clock
from app.core.access import Actor
from app.core.problems import NotFound
from app.identity.api import ResidentSubject, trace_read
from eldercare.wellbeing import repository
from eldercare.wellbeing.models import WellbeingFlag, WellbeingListener
from eldercare.wellbeing.problems import FlagNotOpen
from eldercare.wellbeing.rules.flags import TRANSITIONS, Action


async def acknowledge(
    session: AsyncSession, actor: Actor, subject: ResidentSubject, flag_id: uuid.UUID
) -> WellbeingFlag:
    """Say that somebody sees to a flag, and return it; the same once more changes nothing.

    Raises ``NotFound``, ``FlagNotOpen``.
    """
    flag = await _locked(session, subject, flag_id)
    if _moves(flag, "acknowledge"):
        flag.acknowledged_at, flag.acknowledged_by = clock.now(), actor.id
        await _keep(session, actor, subject, flag, "wellbeing:acknowledge")
    else:
        await trace_read(await session.connection(), actor, subject, "wellbeing:list_flags", flag.id)
    return flag


async def dismiss(session: AsyncSession, actor: Actor, subject: ResidentSubject, flag_id: uuid.UUID) -> WellbeingFlag:
    """Say that a flag is nothing, and return it: the same drift is not told again. Raises as ``acknowledge``."""
    flag = await _locked(session, subject, flag_id)
    if _moves(flag, "dismiss"):
        flag.dismissed_at, flag.dismissed_by = clock.now(), actor.id
        await _keep(session, actor, subject, flag, "wellbeing:dismiss")
    else:
        await trace_read(await session.connection(), actor, subject, "wellbeing:list_flags", flag.id)
    return flag


async def listen(session: AsyncSession, actor: Actor, subject: ResidentSubject) -> None:
    """Have the actor told when a flag of the resident opens, as long as they are granted to see it."""
    listener = WellbeingListener(
        community_id=subject.community_id, resident_id=subject.resident_id, account_id=actor.id
    )
    await repository.listen(session, listener)


async def ignore(session: AsyncSession, actor: Actor, subject: ResidentSubject) -> None:
    """Have the actor not told any more."""
    await repository.ignore(session, subject.resident_id, actor.id)


async def _locked(session: AsyncSession, subject: ResidentSubject, flag_id: uuid.UUID) -> WellbeingFlag:
    flag = await repository.lock_flag(session, subject.resident_id, flag_id)
    if flag is None:
        raise NotFound
    return flag


def _moves(flag: WellbeingFlag, action: Action) -> bool:
    """Put a flag into the state an action leads to; say whether that changes it. Raises ``FlagNotOpen``."""
    sources, target = TRANSITIONS[action]
    if flag.state == target:
        return False
    if flag.state not in sources:
        raise FlagNotOpen
    flag.state = target
    return True


async def _keep(
    session: AsyncSession, actor: Actor, subject: ResidentSubject, flag: WellbeingFlag, action: str
) -> None:
    await session.flush()
    await audit.record(
        session,
        actor,
        action,
        resident_id=subject.resident_id,
        object_id=flag.id,
        community_id=subject.community_id,
    )
