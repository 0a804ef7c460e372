"""What bills do when something happens elsewhere: what is paid is settled, what is given back is owed again."""

from collections.abc import Sequence
from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from app.billing.events import ChargePaid, ChargeReopened
from app.core.events import Subscriber
from telemedicine.settlement import repository
from telemedicine.settlement.service.going_on import CHARGED, go_on


async def settle(session: AsyncSession, events: Sequence[ChargePaid | ChargeReopened]) -> None:
    """Settle the bills whose own share was paid; where a payment was given back it is due again."""
    of_bills = [event for event in events if event.reference_kind == CHARGED]
    for event in sorted(of_bills, key=lambda event: event.reference_id):
        bill = await repository.lock(session, event.reference_id)
        before, after = ("due", "settled") if isinstance(event, ChargePaid) else ("settled", "due")
        if bill.state == before:  # taken back meanwhile, it stays so
            await go_on(session, bill, after, None)


SUBSCRIBERS: Final = (Subscriber("telemedicine.settle_bills", (ChargePaid, ChargeReopened), settle),)
