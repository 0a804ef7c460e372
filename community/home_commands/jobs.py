"""What gateways do for commands, sending them, and what workers do, seeing what became of them.

What is taken is committed before it leaves: whoever finds it taken and nobody sending it knows that it may have left.
"""

import asyncio
import math
from datetime import timedelta
from typing import Final

import structlog
from prometheus_client import Counter, Histogram

from app.core import clock, failures, stopping
from app.core.database import unit_of_work
from app.core.due import Due, drain
from app.core.jobs import Job
from community.home_commands.models import HomeCommand
from community.home_commands.rules import AT_ONCE, CONNECTED, WAKE, Action
from community.home_commands.schemas import NotHandedOver, Parcel, Refused, Way
from community.home_commands.service import commanding as service

TOGETHER: Final = 50
PATIENCE: Final = timedelta(seconds=5)
"""How long the broker may take; well within the time one may hold a command."""

SENT: Final = Counter("hearthline_home_commands", "Commands to homes by what became of sending them", ["outcome"])
WAITED: Final = Histogram(
    "hearthline_home_command_seconds",
    "From a command being taken to its being with the broker",
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5),
)
QUEUED: Final = Due("community.send_home_commands", HomeCommand, "send_at")
LOOK: Final = Due("community.look_after_home_commands", HomeCommand, "look_at")

log = structlog.get_logger(__name__)


async def send() -> int:
    """Send what is queued until nothing is left or the process is asked to stop; return how many were taken up."""
    total = 0
    while not stopping.requested():
        async with unit_of_work() as session:
            found = await session.execute(QUEUED.claim, {"claim_now": clock.now(), "claim_size": TOGETHER})
            ids = [row.id for row in found]
            taken = await service.take(session, ids) if ids else []
        if not ids:
            break
        total += len(ids)
        await _send(taken)
    return total


async def _send(taken: list[tuple[Parcel, Way]]) -> None:
    if not taken:
        return
    actions = await asyncio.gather(*(_send_one(parcel, way) for parcel, way in taken))
    outcomes = {}
    for (parcel, _), action in zip(taken, actions, strict=True):
        SENT.labels(action or "given_up").inc()
        if action is not None:
            outcomes[parcel.id] = parcel, action
    async with unit_of_work() as session:
        await service.settle(session, outcomes)


async def _send_one(parcel: Parcel, way: Way) -> Action | None:
    """Return what came of sending a command; ``None`` if it was held for so long that others decide about it."""
    now = clock.now()
    if now >= parcel.sending_at + AT_ONCE:
        return None
    # Whole seconds are what the broker counts in: rounded down, so that none is a second late.
    left = timedelta(seconds=math.floor((parcel.expires_at - now).total_seconds()))
    if left < timedelta(seconds=1):
        return Action.EXPIRE
    try:
        async with asyncio.timeout(PATIENCE.total_seconds()):
            await way.send(parcel, expires_in=left)
    except NotHandedOver:
        return Action.PUT_BACK
    except Refused:
        return Action.FAIL
    except Exception as error:  # noqa: BLE001 - whatever it was, nobody knows whether it left
        log.warning("home_command_uncertain", command_id=str(parcel.id), error=failures.code_of(error))
        return Action.LOSE
    WAITED.observe(max((clock.now() - parcel.sending_at).total_seconds(), 0.0))
    return Action.HAND_OVER


async def look() -> int:
    """See what became of commands whose moment has come; return how many."""
    return await drain(LOOK, service.look)


GATEWAY_JOBS: Final = (Job(QUEUED.name, timedelta(seconds=1), send, wake_on=(WAKE, CONNECTED), urgent=True),)
JOBS: Final = (Job(LOOK.name, timedelta(seconds=2), look),)
