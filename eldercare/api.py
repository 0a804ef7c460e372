"""Eldercare's door for the portal, the clinics and the policies: each function takes the actor and checks them."""

import uuid

from sqlalchemy.ext.asyncio import AsyncSession

from app.core.access import Actor
from app.identity.api import require_resident
from eldercare.check_ins import views
from eldercare.check_ins.schemas import AnswerWrite, CheckInDetail
from eldercare.check_ins.service.answers import answer
from eldercare.check_ins.service.replies import Outcome, answer_reply

__all__ = ["AnswerWrite", "CheckInDetail", "Outcome", "answer_check_in", "answer_reply"]


async def answer_check_in(
    session: AsyncSession, actor: Actor, resident_id: uuid.UUID, check_in_id: uuid.UUID, data: AnswerWrite
) -> CheckInDetail:
    """Answer a resident's check-in on behalf of ``actor`` and return it.

    Raises ``NotFound``, ``Forbidden`` without ``check_ins:answer``, ``Malformed``, ``CheckInNotOpen``,
    ``AnswerContradicts``.
    """
    subject = await require_resident(await session.connection(), actor, resident_id, "check_ins:answer")
    await answer(session, actor, subject, check_in_id, data)
    return await views.check_in(await session.connection(), actor, subject, check_in_id)
