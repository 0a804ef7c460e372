"""What the gateway tells of a dispute is stored, entered in the ledger, and told to whoever has to answer."""

import uuid
from collections.abc import Mapping
from typing import Any

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from app.billing.charges.models import Charge
from app.billing.charges.service.counting import enter_of
from app.billing.disputes import notices, repository, rules
from app.billing.disputes.models import Dispute
from app.billing.disputes.repository import Disputed
from app.billing.events import DisputeClosed, DisputeOpened
from app.billing.ledger.rules import Account, EntryKind, Move
from app.billing.ledger.service import Occasion, enter
from app.core import clock
from app.core.events import emit
from app.identity.api import operator_staff, organization_members
from notifications.api import Notice, Value, send

log = structlog.get_logger(__name__)


async def dispute_told(session: AsyncSession, body: Mapping[str, Any]) -> bool:
    """Store what a webhook ``charge.dispute.*`` tells, in any order and however often; return whether it is about us.

    Not about us is a dispute of a payment nobody here knows, yet or at all, and what is no dispute.
    """
    try:
        told = rules.facts(body)
    except ValueError:
        return False
    about = await repository.disputed(session, told)
    if about is None:
        return False
    dispute = await repository.lock_told(session, about.payment.gateway, told.ref)
    if dispute is None:
        dispute = await _open(session, told, about)
    if dispute.charge_id is None and about.charge is not None:  # it was told before what it paid for was known
        dispute.charge_id = about.charge.id
    before, was_withdrawn, was_reinstated = dispute.state, dispute.is_withdrawn, dispute.is_reinstated
    _go_on(dispute, told)
    await session.flush()
    if dispute.is_withdrawn and not was_withdrawn:
        await _enter(session, dispute, about.charge, "dispute")
    if dispute.is_reinstated and not was_reinstated:
        await _enter(session, dispute, about.charge, "dispute_won")
    elif dispute.state == "lost" and before != "lost":
        await _enter(session, dispute, about.charge, "dispute_lost")
    if dispute.state not in rules.OPEN and dispute.state != before:
        await _closed(session, dispute, about)
    return True


def _go_on(dispute: Dispute, told: rules.Facts) -> None:
    """Let a dispute stand as it is told, if that leads on from where it stands."""
    if rules.leads_on(dispute.state, told.state):
        dispute.state = told.state
    dispute.evidence_due_at = dispute.evidence_due_at or told.due_at
    # What is lost is gone, whether or not its going was told; what came back had gone.
    dispute.is_reinstated |= told.is_reinstated
    dispute.is_withdrawn |= told.is_withdrawn or told.is_reinstated or dispute.state == "lost"
    if dispute.state not in rules.OPEN and dispute.closed_at is None:
        dispute.closed_at, dispute.remind_at, dispute.ask_at = clock.now(), None, None
    still = rules.is_frozen(dispute.state, is_withdrawn=dispute.is_withdrawn, is_reinstated=dispute.is_reinstated)
    dispute.frozen_amount = dispute.amount if still else 0


async def _open(session: AsyncSession, told: rules.Facts, about: Disputed) -> Dispute:
    now = clock.now()
    dispute = Dispute(
        community_id=about.payment.community_id,
        resident_id=about.payment.resident_id,
        payer_account_id=about.payment.payer_account_id,
        organization_id=about.authorization.organization_id,
        card_payment_id=about.payment.id,
        charge_id=None if about.charge is None else about.charge.id,
        gateway=about.payment.gateway,
        ref=told.ref,
        amount=told.amount,
        frozen_amount=told.amount,
        currency=told.currency,
        reason=told.reason,
        evidence_due_at=told.due_at,
        remind_at=rules.next_reminder(told.due_at, now),
    )
    session.add(dispute)
    await session.flush()
    await emit(session, DisputeOpened(**_of(dispute, about)))
    if told.state in rules.OPEN:
        await tell(session, notices.DISPUTE_OPENED, dispute, {"due_at": told.due_at or now})
    return dispute


async def _closed(session: AsyncSession, dispute: Dispute, about: Disputed) -> None:
    await emit(session, DisputeClosed(**_of(dispute, about), outcome=dispute.state))
    await tell(session, notices.DISPUTE_CLOSED, dispute, {"outcome": dispute.state})


async def tell(session: AsyncSession, notice: Notice, dispute: Dispute, variables: Mapping[str, Value]) -> None:
    """Tell the desk of the organization and the operator of a dispute."""
    connection = await session.connection()
    people: dict[uuid.UUID, None] = dict.fromkeys(
        [
            *await organization_members(connection, dispute.organization_id, "coordinator"),
            *await operator_staff(connection, dispute.community_id, "operator"),
        ]
    )
    await send(
        session,
        notice,
        list(people),
        community_id=dispute.community_id,
        dedupe_key=f"{notice.key}:{dispute.id}:{clock.now().isoformat()}",
        variables=variables,
        data={"dispute_id": str(dispute.id)},
    )


async def _enter(session: AsyncSession, dispute: Dispute, charge: Charge | None, kind: EntryKind) -> None:
    """Enter that money was taken from the card account, came back to it, or is lost to the organization.

    What paid for nothing of the organization's is lost to the community: it stays disputed, where the operator sees it.
    """
    community, amount = dispute.community_id, dispute.amount
    disputed, card = Account("community", community, "disputed"), Account("community", community, "card")
    payable = Account("organization", dispute.organization_id, "payable")
    if kind == "dispute":
        moves = [Move(disputed, amount), Move(card, -amount)]
    elif kind == "dispute_lost":
        if charge is None:
            log.warning("dispute_lost_by_the_community", dispute_id=str(dispute.id))
            return
        dispute.is_borne = True
        moves = [Move(payable, amount), Move(disputed, -amount)]
    else:
        moves = [Move(card, amount), Move(payable if dispute.is_borne else disputed, -amount)]
        dispute.is_borne = False
    if charge is None:
        occasion = Occasion(community, kind, dispute.id, dispute.currency, dispute.organization_id)
        await enter(session, occasion, moves)
    else:
        await enter_of(session, charge, kind, dispute.id, moves)


def _of(dispute: Dispute, about: Disputed) -> dict[str, Any]:
    return {
        "aggregate_id": dispute.id,
        "community_id": dispute.community_id,
        "resident_id": dispute.resident_id,
        "organization_id": dispute.organization_id,
        "reference_kind": about.authorization.reference_kind,
        "reference_id": about.authorization.reference_id,
    }
