"""Answers to proposals of regimens, in one unit of work with the prescription they are about."""

import uuid

from sqlalchemy.ext.asyncio import AsyncSession

from app.core.access import Actor
from app.policies.reactions.prescriptions.rules import followed
from eldercare import api as eldercare
from telemedicine import api as telemedicine


async def confirm(
    session: AsyncSession,
    actor: Actor,
    resident_id: uuid.UUID,
    proposal_id: uuid.UUID,
    data: eldercare.ProposalConfirmation,
) -> eldercare.RegimenProposalPublic:
    """Make a regimen of a proposal whose prescription stands, and does until this is committed; return the proposal.

    Raises what ``eldercare.confirm_regimen`` raises; ``ProposalAnswered`` also where the prescription ended, or was
    replaced, and the proposal does not know yet.
    """
    found = await eldercare.regimen_proposal(await session.connection(), actor, resident_id, proposal_id)
    prescription = await telemedicine.hold_prescription(session, found.prescription_id)
    if found.state == "proposed" and followed(prescription).standing != "in_force":
        raise eldercare.ProposalAnswered(state="withdrawn", regimen_id=None)
    return await eldercare.confirm_regimen(session, actor, resident_id, proposal_id, data)


async def reject(
    session: AsyncSession,
    actor: Actor,
    resident_id: uuid.UUID,
    proposal_id: uuid.UUID,
    data: eldercare.ProposalRejection,
) -> eldercare.RegimenProposalPublic:
    """Say why a proposal is not taken up, to whoever prescribed it, too, and return it.

    Raises what ``eldercare.reject_regimen`` raises.
    """
    found = await eldercare.regimen_proposal(await session.connection(), actor, resident_id, proposal_id)
    # The prescription first, as a confirmation does: neither waits for what the other holds.
    await telemedicine.note_objection_to_prescription(session, actor, found.prescription_id, data.reason)
    return await eldercare.reject_regimen(session, actor, resident_id, proposal_id, data)
