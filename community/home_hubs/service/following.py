"""Hubs that are asked are followed: one gateway each, over a line that is held open, and again when it breaks.

A gateway holds a hub's lease while it is connected. If it dies the lease ends, and another takes over; if the hub
cannot be reached it is tried again, after ever longer.
"""

import asyncio
import contextlib
import time
from collections.abc import Coroutine, Iterable
from typing import Any, Final

import structlog

from app.core import clock, failures, outbound, stopping
from app.core.database import reading, unit_of_work
from app.core.due import Due
from app.core.leases import Held, Lease
from app.core.settings import settings
from community.home_hubs import repository, rules, views
from community.home_hubs.models import HomeHub
from community.home_hubs.schemas import Asked, HubFailed
from community.home_hubs.service.hearing import Hearing, say_away
from community.home_hubs.service.speaking import line_to
from community.home_inbox.service.taking import Inbox

FOLLOW: Final = Lease(Due("community.follow_home_hubs", HomeHub, "next_try_at"), rules.LEASE)
_CLAIMED: Final = 20
_LOOK_SECONDS: Final = 2.0
_CLOSED: Final = "home_closed"

_inbox: Final = Inbox()
log = structlog.get_logger(__name__)


class _TakenOver(Exception):  # noqa: N818 - says what happened
    """Somebody else follows the hub by now, or it was disconnected."""


async def run() -> int:
    """Follow what is to be followed until asked to stop, or until there is none; return how many lines were tried."""
    total = 0
    lines: set[asyncio.Task[None]] = set()
    try:
        while not stopping.requested():
            held = await _claim(rules.MOST_TOGETHER - len(lines))
            total += len(held)
            lines |= {asyncio.create_task(follow(one)) for one in held}
            if not lines:
                break
            ended, lines = await asyncio.wait(lines, timeout=_LOOK_SECONDS, return_when=asyncio.FIRST_COMPLETED)
            for line in ended:
                _log_failure(line)
    finally:
        await _end(lines)
    return total


async def follow(held: Held) -> None:
    """Follow one hub until its line breaks, and write down why; given back untouched when cancelled."""
    started = time.monotonic()
    try:
        await _follow(held)
    except HubFailed as problem:
        await _fail(held, problem.code, lasted=time.monotonic() - started)
    except _TakenOver:
        return
    except asyncio.CancelledError:
        await asyncio.shield(_give_back(held))
        raise
    except Exception as error:  # noqa: BLE001 - one hub's oddity must not keep it, or others, from being followed
        log.error("home_hub_failed", error=failures.code_of(error), place=failures.place_of(error))  # noqa: TRY400 - a traceback may hold data
        await _fail(held, "unreachable", lasted=0)


async def _fail(held: Held, code: str, *, lasted: float) -> None:
    """Write down that a hub is away: first of what it told of, while nobody else can have reached it."""
    try:
        async with unit_of_work() as session:
            asked = await views.asked(await session.connection(), held.id)
            is_ours = held.id in await FOLLOW.renew(session, [held])
        if asked is not None and is_ours:
            await say_away(asked.home, _inbox)
    except Exception as error:  # noqa: BLE001 - it is tried again all the same
        log.error("home_hub_not_said_away", error=failures.code_of(error), place=failures.place_of(error))  # noqa: TRY400 - a traceback may hold data
    await _store_failure(held, code, lasted=lasted)


async def _follow(held: Held) -> None:
    async with reading() as connection:
        asked = await views.asked(connection, held.id)
    if asked is None:
        raise _TakenOver
    _require_active(asked)
    session = outbound.outbound_session(settings().hubs.allow_private, total=None)
    async with session as http, line_to(http, asked) as line:
        listening = asyncio.create_task(line.listen())
        try:
            await _store_connected(held, line.software)
            await _until_first_ends(listening, _renew(held), line.keep_alive(), Hearing(asked, line, _inbox).run())
        except _TakenOver:
            async with reading() as connection:
                is_let_go = not await views.asked_of(connection, [asked.home.id])
            if is_let_go:
                await say_away(asked.home, _inbox)
            raise
        finally:
            await _end([listening])


def _require_active(asked: Asked) -> None:
    if asked.home.state != "active":
        raise HubFailed(_CLOSED if asked.home.state == "closed" else "home_not_active")


async def _until_first_ends(listening: asyncio.Task[None], *others: Coroutine[Any, Any, None]) -> None:
    tasks = {listening, *(asyncio.create_task(one) for one in others)}
    try:
        ended, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        await _end(tasks - {listening})
    for task in ended:
        task.result()


async def _renew(held: Held) -> None:
    """Hold the lease; raises ``HubFailed`` once nothing may be collected of the home any more."""
    while True:
        await asyncio.sleep(rules.RENEW_EVERY.total_seconds())
        async with unit_of_work() as session:
            asked = await views.asked(await session.connection(), held.id)
            if asked is None or held.id not in await FOLLOW.renew(session, [held]):
                raise _TakenOver
        _require_active(asked)


async def _claim(size: int) -> list[Held]:
    if size <= 0:
        return []
    async with unit_of_work() as session:
        return await FOLLOW.claim(session, min(size, _CLAIMED))


async def _store_connected(held: Held, software: str | None) -> None:
    async with unit_of_work() as session:
        if held.id not in await FOLLOW.renew(session, [held]):
            raise _TakenOver
        row = await repository.locked(session, held.id)
        if row is not None:
            row.state, row.error, row.connected_at, row.software = "connected", None, clock.now(), software


async def _store_failure(held: Held, code: str, *, lasted: float) -> None:
    log.info("home_hub_not_followed", hub_id=str(held.id), code=code)
    async with unit_of_work() as session:
        if held.id not in await FOLLOW.finish(session, [held]):
            return
        row = await repository.locked(session, held.id)
        if row is not None and code == _CLOSED:
            await session.delete(row)  # a closed home is not opened again: nobody needs its token any more
        elif row is not None:
            row.failures = 1 if lasted >= rules.SETTLED.total_seconds() else row.failures + 1
            row.state, row.error = "failing", code
            row.next_try_at = clock.now() + rules.wait_before(row.failures - 1, code)


async def _give_back(held: Held) -> None:
    async with unit_of_work() as session:
        if held.id in await FOLLOW.release(session, [held]):
            row = await repository.locked(session, held.id)
            if row is not None and row.state == "connected":
                row.state = "waiting"


async def _end(tasks: Iterable[asyncio.Task[None]]) -> None:
    waiting = [task for task in tasks if not task.done()]
    for task in waiting:
        task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await asyncio.gather(*waiting, return_exceptions=True)
    for task in tasks:
        if not task.cancelled():
            task.exception()  # retrieved: it was told of where it mattered


def _log_failure(line: asyncio.Task[None]) -> None:
    error = None if line.cancelled() else line.exception()
    if error is not None:
        log.error("home_hub_line_failed", error=failures.code_of(error), place=failures.place_of(error))
