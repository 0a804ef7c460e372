"""What the worker does for homes' states, what nobody sends but time brings; and what a gateway may forget."""

from datetime import timedelta
from typing import Final

from app.broker import api as broker
from app.core import clock
from app.core.database import unit_of_work
from app.core.due import Due, drain
from app.core.jobs import Job
from community.home_inbox import repository
from community.home_inbox.models import FORGET_RECEIPTS, KEEP_RECEIPTS
from community.home_inbox.service.looking import look
from community.home_states.models import HomeState

CONFIRMED_AFTER: Final = timedelta(minutes=10)
"""After so long on one connection the broker has our word for what was stored before, and has written that down."""
LOOK: Final = Due("community.look_at_home_states", HomeState, "look_at", key="entity_id")


async def look_at_states() -> int:
    """Turn off what goes off by itself, give up what was not heard again, write what was held back; return how many."""
    return await drain(LOOK, look)


async def forget_receipts() -> int:
    """Forget what the broker cannot send again: its name may be another message's next. Nothing waits for it."""
    steady = broker.steady_session()
    before = clock.now() - CONFIRMED_AFTER
    if steady is None or steady[1] > before:
        return 0
    async with unit_of_work() as session:
        await repository.forget_receipts(session, steady[0], before)
    return 0


async def forget_old_receipts() -> int:
    """Forget what no broker keeps for us any more. Nothing waits for it."""
    async with unit_of_work() as session:
        await repository.forget_old_receipts(session, clock.now() - KEEP_RECEIPTS)
    return 0


JOBS: Final = (
    Job(LOOK.name, timedelta(seconds=5), look_at_states),
    Job(FORGET_RECEIPTS, timedelta(hours=1), forget_old_receipts),
)
GATEWAY_JOBS: Final = (Job("community.forget_home_receipts", timedelta(minutes=1), forget_receipts),)
