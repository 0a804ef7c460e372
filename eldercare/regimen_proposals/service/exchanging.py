"""Proposals as the policies ask for them: each function takes the actor and checks them."""

import uuid

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from app.core.access import Actor
from app.identity.api import require_resident
from eldercare.regimen_proposals import views
from eldercare.regimen_proposals.schemas import ProposalConfirmation, ProposalRejection, RegimenProposalPublic
from eldercare.regimen_proposals.service import answering
from eldercare.regimen_proposals.service.telling import MANAGE


async def regimen_proposal(
    connection: AsyncConnection, actor: Actor, resident_id: uuid.UUID, proposal_id: uuid.UUID
) -> RegimenProposalPublic:
    """Return a proposal of a regimen to who may answer it.

    Raises ``NotFound``, ``Forbidden`` without ``medication:manage``.
    """
    await require_resident(connection, actor, resident_id, MANAGE)
    return await views.proposal(connection, resident_id, proposal_id)


async def confirm_regimen(
    session: AsyncSession, actor: Actor, resident_id: uuid.UUID, proposal_id: uuid.UUID, data: ProposalConfirmation
) -> RegimenProposalPublic:
    """Make a regimen of a proposal on behalf of ``actor`` and return the proposal.

    Raises ``NotFound``, ``Forbidden`` without ``medication:manage``, ``ProposalAnswered``, and what making a regimen
    raises.
    """
    subject = await require_resident(await session.connection(), actor, resident_id, MANAGE)
    return views.shown(await answering.confirm(session, actor, subject, proposal_id, data))


async def reject_regimen(
    session: AsyncSession, actor: Actor, resident_id: uuid.UUID, proposal_id: uuid.UUID, data: ProposalRejection
) -> RegimenProposalPublic:
    """Say on behalf of ``actor`` that a proposal is not taken up, and return it; raises as ``regimen_proposal``."""
    subject = await require_resident(await session.connection(), actor, resident_id, MANAGE)
    return views.shown(await answering.reject(session, actor, subject, proposal_id, data))
