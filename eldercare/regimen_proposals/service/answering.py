"""Answering a proposal: only a confirmation makes a regimen of it, one; a rejection says why."""

import uuid

from pydantic import ValidationError
from sqlalchemy.ext.asyncio import AsyncSession

from app.core import audit, clock
from app.core.access import Actor
from app.core.sealing import seal
from app.identity.api import ResidentSubject
from eldercare.medication.repository import take_turns
from eldercare.medication.schemas.regimens import Drug, RegimenCreate
from eldercare.medication.service import regimens
from eldercare.regimen_proposals import repository, rules
from eldercare.regimen_proposals.models import REASON, RegimenProposal
from eldercare.regimen_proposals.problems import ProposalAnswered
from eldercare.regimen_proposals.schemas import Prescribed, ProposalConfirmation, ProposalRejection
from eldercare.regimen_proposals.service.following import standing_regimen
from eldercare.regimen_proposals.views import prescribed_of

_LONGEST_NAME = 120


async def confirm(
    session: AsyncSession,
    actor: Actor,
    subject: ResidentSubject,
    proposal_id: uuid.UUID,
    data: ProposalConfirmation,
) -> RegimenProposal:
    """Make the regimen that was proposed, with the times that are confirmed, and return the proposal.

    What it replaces ends as it begins: at once, or on its first day. Raises ``NotFound``, ``ProposalAnswered``,
    ``ResidentClosed``, ``RegimenOverlaps`` and ``Malformed``.
    """
    row = await _open(session, subject, proposal_id)
    old = await standing_regimen(session, row)
    regimen = await regimens.create(
        session,
        actor,
        subject,
        RegimenCreate.model_validate(
            data.model_dump()
            | {"drug": _drug(prescribed_of(row.prescribed)), "state": "active" if old is None else "draft"}
        ),
        prescription=(row.prescription_id, row.prescription_version),
        replaces_id=row.replaces_id,
    )
    if old is not None:
        row.begins_at = rules.begins_at(data.starts_on, data.time_zone or subject.time_zone, clock.now())
        if row.begins_at is None:
            await regimens.take_over(session, actor, old, regimen)
    row.state, row.regimen_id = "confirmed", regimen.id
    await _answered(session, actor, row)
    return row


async def reject(
    session: AsyncSession, actor: Actor, subject: ResidentSubject, proposal_id: uuid.UUID, data: ProposalRejection
) -> RegimenProposal:
    """Say that a proposal is not taken up, and why, and return it; what it would have replaced goes on.

    Raises ``NotFound``, ``ProposalAnswered``.
    """
    row = await _open(session, subject, proposal_id)
    row.state, row.reason = "rejected", seal(data.reason, REASON)
    await _answered(session, actor, row)
    return row


async def _open(session: AsyncSession, subject: ResidentSubject, proposal_id: uuid.UUID) -> RegimenProposal:
    await take_turns(session, subject.resident_id)
    row = await repository.lock(session, subject.resident_id, proposal_id)
    if row.state != "proposed":
        raise ProposalAnswered(state=row.state, regimen_id=str(row.regimen_id) if row.regimen_id else None)
    return row


async def _answered(session: AsyncSession, actor: Actor, row: RegimenProposal) -> None:
    row.answered_at, row.answered_by, row.next_step_at = clock.now(), actor.id, None
    await session.flush()
    await audit.record(
        session,
        actor,
        f"regimen_proposal:{row.state}",
        resident_id=row.resident_id,
        object_id=row.id,
        community_id=row.community_id,
    )


def _drug(said: Prescribed) -> Drug:
    """Return what is taken, with the prescriber's words; a code that medication cannot keep is left out."""
    words = {
        "name": said.name[:_LONGEST_NAME].strip(),
        "prescriber": said.prescriber[:_LONGEST_NAME].strip() if said.prescriber else None,
        "instructions": said.dosage,
    }
    try:
        return Drug.model_validate(words | {"system": said.system, "code": said.code})
    except ValidationError:
        return Drug.model_validate(words)
