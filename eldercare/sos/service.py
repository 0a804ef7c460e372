"""Storing an SOS, and the numbers to phone, remembered for the moment when it cannot be stored."""

import asyncio
import random
import time
import uuid
from collections.abc import Awaitable, Callable
from itertools import count
from typing import TypeVar

import structlog
from prometheus_client import Counter
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core import clock
from app.core.access import Actor
from app.core.database import is_retryable, is_unreachable, unit_of_work
from app.core.settings import settings
from app.identity.api import community
from eldercare.alarms.models import Alarm, AlarmKind, Severity
from eldercare.alarms.problems import NotAResident
from eldercare.alarms.rules import AlarmSignal
from eldercare.alarms.service import raise_alarm
from eldercare.sos.rules import Sos
from eldercare.sos.schemas import Numbers

NOT_STORED = Counter("hearthline_sos_not_stored", "Calls for help that could not be stored and were told to phone")

Result = TypeVar("Result")
PATIENCE = 1.0  # seconds
LONGEST_TRY = 10.0  # seconds: a database that has vanished is silent for longer, and somebody waits to be told to phone
_known: dict[uuid.UUID, Numbers] = {}

log = structlog.get_logger(__name__)


async def store(actor: Actor, sos: Sos) -> Alarm:
    """Store an SOS of the actor in a unit of work of its own and return its alarm.

    Raises ``NotAResident``, and whatever the database raises once trying again does not help.
    """
    if actor.resident_id is None:
        raise NotAResident(**numbers(actor.community_id).model_dump())
    signal = AlarmSignal(
        kind=AlarmKind.SOS,
        severity=Severity.CRITICAL,
        community_id=actor.community_id,
        resident_id=actor.resident_id,
        occurred_at=sos.occurred_at,
        evidence={"ignored": list(sos.ignored)} if sos.ignored else {},
        place=sos.place,
        countdown=sos.countdown,
        client_key=sos.client_key,
        is_over=sos.is_over,
    )

    async def attempt() -> Alarm:
        async with unit_of_work() as session:
            return await raise_alarm(session, actor, signal)

    return await insisting(attempt)


async def insisting(work: Callable[[], Awaitable[Result]]) -> Result:
    """Return what ``work`` returns, trying again for a second while the database is at fault: it may be back.

    While it only has no connection free it is tried for longer: the queue moves, and nobody in it is more urgent.
    Raises what the last try raised, ``TimeoutError`` if it took too long. Where a try itself takes long, the next would
    keep somebody from phoning.
    """
    begun = time.monotonic()
    for attempt in count():
        try:
            async with asyncio.timeout(LONGEST_TRY):
                return await work()
        except Exception as error:
            patience = LONGEST_TRY if isinstance(error, PoolTimeoutError) else PATIENCE
            if not (is_retryable(error) or is_unreachable(error)) or time.monotonic() - begun > patience:
                raise
            pause = min(0.02 * 2**attempt, PATIENCE / 2)
            await asyncio.sleep(random.uniform(0.5, 1) * pause)  # noqa: S311 - spreads the next try
    raise AssertionError("unreachable")


async def learn_numbers(connection: AsyncConnection, community_id: uuid.UUID) -> Numbers:
    """Read a community's numbers, remember them in this process, and return them."""
    found = await community(connection, community_id)
    known = Numbers(desk_phone=found.desk_phone, emergency_numbers=found.emergency_numbers)
    _known[community_id] = known
    return known


def numbers(community_id: uuid.UUID | None) -> Numbers:
    """Return whom to phone, without the database: the community's numbers as last read, else those of the settings.

    A caller whose community cannot be found out gets the numbers of the only community this process knows.
    """
    if community_id in _known:
        return _known[community_id]
    if community_id is None and len(_known) == 1:
        return next(iter(_known.values()))
    fallback = settings().sos
    return Numbers(desk_phone=fallback.desk_phone, emergency_numbers=dict(fallback.emergency_numbers))


def report_not_stored(error: Exception) -> None:
    """Count and log a call for help that could not be stored."""
    NOT_STORED.inc()
    log.error("sos_not_stored", error=type(error).__name__, at=clock.now().isoformat())
