"""Evidence against a dispute: kept with the dispute, then submitted by the worker, outside of transactions."""

import asyncio
import uuid
from collections.abc import Sequence
from datetime import timedelta
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.billing.disputes import notices, repository, rules
from app.billing.disputes.models import DISPUTES, EVIDENCE, Dispute
from app.billing.disputes.problems import EvidenceGiven, EvidenceTooLate
from app.billing.disputes.schemas import EvidenceGivenIn
from app.billing.disputes.service.telling import tell
from app.billing.gateways.choosing import chosen_gateway
from app.billing.gateways.patience import again_at
from app.billing.gateways.port import Gateway, NotAnsweredError, NotDoneError
from app.core import audit, clock, stopping
from app.core.access import Actor
from app.core.database import reading, unit_of_work
from app.core.due import Due
from app.core.leases import Held, Lease
from app.core.problems import NotFound
from app.core.sealing import seal, unseal

BATCH: Final = 8
LEASE: Final = Lease(Due("billing.submit_evidence", Dispute, "ask_at"), timedelta(minutes=5))
_TAKEN: Final = sa.select(
    DISPUTES.c.id, DISPUTES.c.gateway, DISPUTES.c.ref, DISPUTES.c.evidence, DISPUTES.c.evidence_no
).where(DISPUTES.c.id == sa.any_(sa.bindparam("ids", type_=ARRAY(sa.Uuid))))


async def give_evidence(
    session: AsyncSession, actor: Actor, organization_id: uuid.UUID, dispute_id: uuid.UUID, given: EvidenceGivenIn
) -> Dispute:
    """Keep evidence to be submitted and return the dispute. What the gateway would not take can be given again.

    Raises ``NotFound``, ``EvidenceTooLate``, ``EvidenceGiven``.
    """
    dispute = await repository.lock(session, dispute_id)
    if dispute is None or dispute.organization_id != organization_id:
        raise NotFound
    now = clock.now()
    is_late = dispute.evidence_due_at is not None and dispute.evidence_due_at <= now
    if dispute.evidence is not None:
        raise EvidenceGiven
    if dispute.state != "needs_response" or is_late:
        raise EvidenceTooLate(state=dispute.state)
    dispute.evidence = seal(given.model_dump_json(), EVIDENCE)
    dispute.evidence_by, dispute.failure = actor.id, None
    dispute.evidence_no += 1
    dispute.ask_at, dispute.asked, dispute.remind_at = now, 0, None
    await session.flush()
    await audit.record(
        session,
        actor,
        "dispute:answer",
        resident_id=dispute.resident_id,
        object_id=dispute.id,
        community_id=dispute.community_id,
    )
    return dispute


async def run() -> int:
    """Submit the evidence that is due and return how much that was; asked to stop, it takes up no more."""
    total = 0
    gateway = chosen_gateway()
    if gateway is None:
        return total
    try:
        while not stopping.requested():
            async with LEASE.holding(BATCH) as held:
                if not held:
                    break
                await _submit_all(gateway, held)
                total += len(held)
    finally:
        await gateway.close()
    return total


async def _submit_all(gateway: Gateway, held: Sequence[Held]) -> None:
    async with reading() as connection:
        rows = {row.id: row for row in await connection.execute(_TAKEN, {"ids": [one.id for one in held]})}
    flights = [_submit(gateway, one, rows[one.id]) for one in held if one.id in rows]
    for ended in await asyncio.gather(*flights, return_exceptions=True):
        if isinstance(ended, BaseException):  # it could not be stored: the others were, and this one is due again
            raise ended


async def _submit(gateway: Gateway, held: Held, row: Any) -> None:
    error: NotAnsweredError | NotDoneError | None = None
    if row.evidence is None or row.gateway != gateway.name:
        error = NotDoneError("erased" if row.evidence is None else "other_gateway")
    else:
        given = EvidenceGivenIn.model_validate_json(unseal(row.evidence, EVIDENCE))
        try:
            await gateway.give_evidence(f"evidence:{row.id}:{row.evidence_no}", row.ref, given.as_asked())
        except (NotAnsweredError, NotDoneError) as problem:
            error = problem
    async with unit_of_work() as session:
        if held.id not in await LEASE.finish(session, [held]):
            return
        dispute = await session.get_one(Dispute, held.id, populate_existing=True)
        _store(dispute, error)


def _store(dispute: Dispute, error: NotAnsweredError | NotDoneError | None) -> None:
    now = clock.now()
    if dispute.state not in rules.OPEN:  # decided meanwhile
        dispute.ask_at = None
        return
    if isinstance(error, NotAnsweredError):
        dispute.asked += 1
        if error.is_stuck:  # evidence is the same however often it is given: under another key it does no harm
            dispute.evidence_no += 1
        dispute.ask_at = again_at(now, dispute.asked, error.again_after)
        return
    dispute.ask_at = None
    if error is None:
        dispute.submitted_at = now
        if dispute.state == "needs_response":
            dispute.state = "under_review"
        return
    dispute.failure, dispute.evidence = error.code, None
    dispute.remind_at = now if dispute.state == "needs_response" else None


async def remind(session: AsyncSession, ids: Sequence[uuid.UUID]) -> None:
    """Tell the desks and the operator of evidence that is still missing; they are told again as long as it is."""
    now = clock.now()
    for dispute in (await session.scalars(sa.select(Dispute).where(col(Dispute.id).in_(ids)))).all():
        dispute.remind_at = rules.next_reminder(dispute.evidence_due_at, now)
        if dispute.state == "needs_response" and dispute.evidence_due_at is not None:
            await tell(session, notices.DISPUTE_DUE, dispute, {"due_at": dispute.evidence_due_at})
