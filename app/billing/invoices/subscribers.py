"""What is issued when something happens to a charge."""

from collections.abc import Sequence
from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from app.billing.events import ChargeCredited, ChargeOpened
from app.billing.invoices.service.issuing import issue_credit_note, issue_invoice
from app.core.events import Subscriber


async def issue(session: AsyncSession, events: Sequence[ChargeOpened | ChargeCredited]) -> None:
    """Issue an invoice for each charge that the platform collects, and a credit note for what is waived of one."""
    # In one order, so that two workers never wait for each other's counters.
    for event in sorted(events, key=lambda one: (one.organization_id, one.name, one.aggregate_id)):
        if isinstance(event, ChargeCredited):
            await issue_credit_note(session, event.credit_id)
        else:
            await issue_invoice(session, event.aggregate_id)


SUBSCRIBERS: Final = (Subscriber("billing.issue_invoices", (ChargeOpened, ChargeCredited), issue),)
