"""What the worker does for card payments: it asks the gateway, and takes other holds before the first ones lapse."""

from datetime import timedelta
from typing import Final

from app.billing.authorizations.models import CardPayment
from app.billing.authorizations.service import asking, carrying, returning
from app.core.due import Due, drain
from app.core.jobs import Job

LAPSING: Final = Due("billing.renew_holds", CardPayment, "renew_at")


async def renew_holds() -> int:
    """Take other holds for those about to lapse; return how many there were."""
    return await drain(LAPSING, carrying.renew)


JOBS: Final = (
    Job("billing.ask_gateway", timedelta(seconds=2), asking.run),
    Job("billing.ask_for_refunds", timedelta(seconds=10), returning.run),
    Job("billing.renew_holds", timedelta(minutes=5), renew_holds),
)
