"""The jobs that stop waiting for receipts."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Final

from app.core.due import Due, drain
from app.core.jobs import Job
from notifications.delivery.models import Delivery
from notifications.delivery.repository import is_in
from notifications.delivery.rules import LANES, Lane
from notifications.receipts.service import fall_back_without_receipt

UNCONFIRMED: Final[Mapping[Lane, Due]] = {
    lane: Due(f"notifications.unconfirmed_{lane}", Delivery, "receipt_by", where=is_in(lane), vital=True)
    for lane in LANES
}
_BATCH: Final = 500


async def give_up_waiting(*lanes: Lane) -> int:
    """Use the next channel of every delivery in ``lanes`` whose receipt did not come in time; return how many."""
    given_up = 0
    for lane in lanes:
        given_up += await drain(UNCONFIRMED[lane], fall_back_without_receipt, batch=_BATCH)
    return given_up


async def _critical() -> int:
    return await give_up_waiting("critical")


async def _others() -> int:
    return await give_up_waiting("high", "bulk")


# Phones that are silent after a storm come in thousands: a ladder that waits for one of its own is not behind them.
JOBS = (
    Job("notifications.give_up_waiting_critical", timedelta(seconds=1), _critical, urgent=True),
    Job("notifications.give_up_waiting", timedelta(seconds=1), _others),
)
