"""The money of a trip: promised when somebody signs up, taken once the place is theirs, given back as agreed."""

import uuid
from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from app.billing import api as billing
from app.core import clock
from app.core.access import SYSTEM_ID
from community.trips.models import Trip, TripParticipant
from community.trips.rules import DUE_AFTER, LINE, REFERENCE

CATEGORY: Final = "trip"


async def authorize(session: AsyncSession, row: TripParticipant, payer: uuid.UUID) -> bool:
    """Ask for the promise of a place's money; say whether it is there already. Raises what billing refuses.

    A card is the payer's own: of who signs up, or of the resident in whose name they do.
    """
    if row.total_amount == 0:
        return True
    if row.payment_method == "provider":
        return await _ask(session, row, row.account_id, payer)
    for one in dict.fromkeys([payer, row.account_id]):
        try:
            return await _ask(session, row, one, payer)
        except billing.PaymentMethodUnusable:
            continue
    raise billing.PaymentMethodUnusable


async def _ask(session: AsyncSession, row: TripParticipant, payer: uuid.UUID, signs: uuid.UUID) -> bool:
    found = await billing.authorize(
        session,
        billing.Authorizing(
            community_id=row.community_id,
            resident_id=row.resident_id,
            organization_id=row.organization_id,
            payer_account_id=payer,
            amount=row.total_amount,
            currency=row.currency,
            category=CATEGORY,
            reference_kind=REFERENCE,
            reference_id=row.id,
            service_at=row.starts_at,
            payment_method_id=row.payment_method_id,
            is_present=payer == signs,
            ordered_by=signs,
        ),
    )
    return found.state == "authorized"


async def take(session: AsyncSession, trip: Trip, row: TripParticipant) -> None:
    """Take what was promised for a place that is somebody's now."""
    if row.total_amount == 0:
        return
    line = billing.Line("trip", LINE, 1, row.total_amount, trip.tax_rate)
    settling = billing.Settling(lines=[line], due_at=max(clock.now() + DUE_AFTER, row.starts_at))
    await billing.settle(session, row.signed_up_by, REFERENCE, row.id, settling)


async def give_back(session: AsyncSession, row: TripParticipant, was: str, by: uuid.UUID | None, reason: str) -> None:
    """Give back what was paid for a place beyond the fee, and let go what is only promised."""
    if row.total_amount == 0:
        return
    if was != "going":
        await billing.void(session, REFERENCE, row.id)
        return
    amount = row.total_amount - row.fee_amount
    if amount:
        await billing.refund_charge(session, by or SYSTEM_ID, REFERENCE, row.id, amount, reason)
