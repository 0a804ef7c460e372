"""How a bill goes on to another state: attributed, told as a fact, and at the end asked of the resident."""

import uuid
from datetime import timedelta
from typing import Literal

from sqlalchemy.ext.asyncio import AsyncSession

from app.billing.api import Owed, open_charge
from app.core import clock
from app.core.access import SYSTEM_ID
from app.core.events import emit
from app.core.sealing import seal
from app.identity.api import grantees, organizations_named
from notifications.api import send
from telemedicine.events import BillStateChanged
from telemedicine.settlement import repository
from telemedicine.settlement.access import READ
from telemedicine.settlement.models import CHANGE_REASON, Bill, BillChange
from telemedicine.settlement.notices import OWN_SHARE_DUE
from telemedicine.settlement.problems import BillState, NoTerms
from telemedicine.settlement.rules.states import may_become

CHARGED: Literal["bill"] = "bill"
"""What a charge of a bill's own share refers to."""


async def go_on(session: AsyncSession, bill: Bill, state: str, by: uuid.UUID | None, reason: str | None = None) -> None:
    """Take a locked bill to another state; raises ``BillState`` where it cannot go there."""
    if not may_become(bill.state, state):
        raise BillState(state=bill.state)
    was_seen = bill.state != "draft" or state == "issued"
    bill.state = state
    session.add(
        BillChange(
            bill_id=bill.id,
            resident_id=bill.resident_id,
            state=state,
            changed_by=by,
            reason=seal(reason, CHANGE_REASON) if reason else None,
        )
    )
    await session.flush()
    if was_seen:
        await emit(
            session,
            BillStateChanged(
                aggregate_id=bill.id,
                community_id=bill.community_id,
                resident_id=bill.resident_id,
                organization_id=bill.organization_id,
                state=state,
            ),
        )


async def ask_own_share(session: AsyncSession, bill: Bill, by: uuid.UUID | None) -> None:
    """Ask the resident for what the insurer does not pay, and tell them; nothing left, the bill is settled.

    Raises ``BillState``.
    """
    own = bill.total_amount - bill.insured_amount
    if own == 0:
        await go_on(session, bill, "settled", by)
        return
    terms = await repository.terms_of(session, bill.organization_id)
    if terms is None:
        raise NoTerms
    bill.due_at = clock.now() + timedelta(days=terms.payment_days)
    await go_on(session, bill, "due", by)
    await open_charge(
        session,
        by or SYSTEM_ID,
        Owed(
            community_id=bill.community_id,
            payer_id=bill.resident_id,
            organization_id=bill.organization_id,
            amount=own,
            currency=bill.currency,
            reference_kind=CHARGED,
            reference_id=bill.id,
            due_at=bill.due_at,
        ),
    )
    connection = await session.connection()
    named = await organizations_named(connection, bill.community_id, [bill.organization_id])
    await send(
        session,
        OWN_SHARE_DUE,
        sorted({bill.account_id} | await grantees(connection, bill.resident_id, READ)),
        community_id=bill.community_id,
        dedupe_key=f"{OWN_SHARE_DUE.key}:{bill.id}:{bill.due_at.isoformat()}",
        variables={"resident": bill.resident_id, "clinic": named[bill.organization_id].name},
        about=bill.resident_id,
        data={"bill_id": str(bill.id)},
    )
