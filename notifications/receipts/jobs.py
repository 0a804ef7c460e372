"""The job that stops waiting for receipts."""

from datetime import timedelta

from app.core.due import Due, drain
from app.core.jobs import Job
from notifications.delivery.models import Delivery
from notifications.receipts.service import fall_back_without_receipt

UNCONFIRMED = Due("notifications.unconfirmed", Delivery, "receipt_by", vital=True)


async def give_up_waiting() -> int:
    """Use the next channel of every delivery whose receipt did not come in time; return how many there were."""
    return await drain(UNCONFIRMED, fall_back_without_receipt, batch=500)


JOBS = (Job("notifications.give_up_waiting", timedelta(seconds=1), give_up_waiting, urgent=True),)
