"""Which gateway hears: each seat is one session at the broker, and who cannot have one stands by until one is free."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Final

import asyncpg
import structlog

from app.core.database import connect_raw, database

_LOOK_AGAIN: Final = 1.0  # seconds
_SIGN_OF_LIFE: Final = 2.0  # seconds between two looks whether the seat is still ours

# The lock lasts as long as its transaction, which is as long as the connection: who dies gives the seat up.
_TAKE: Final = "SELECT pg_try_advisory_xact_lock(hashtextextended($1, 0))"

log = structlog.get_logger(__name__)


class Seat:
    """A place among ``seats``. ``number`` is which; ``lost`` is set should somebody else have it.

    It is kept while the database is away: whoever else would like it cannot know that it is free.
    """

    def __init__(self, seats: Sequence[int]) -> None:
        self._seats = seats
        self.number: int | None = None
        self.taken = asyncio.Event()
        self.lost = asyncio.Event()

    async def keep(self) -> None:
        """Take a seat as soon as one is free, and hold it until it is lost or this is cancelled."""
        while not self.lost.is_set():
            try:
                await self._sit()
            except Exception as error:  # noqa: BLE001 - whatever ended the connection: the next one may last
                log.warning("seat_unsure", seat=self.number, error=type(error).__name__)
            await asyncio.sleep(_LOOK_AGAIN)

    async def _sit(self) -> None:
        connection = await connect_raw()
        try:
            async with connection.transaction():
                if not await self._take(connection):
                    if self.taken.is_set():
                        log.error("seat_lost", seat=self.number)
                        self.lost.set()
                    return
                self.taken.set()
                while True:
                    await asyncio.sleep(_SIGN_OF_LIFE)
                    await connection.fetchval("SELECT 1", timeout=10)
        finally:
            connection.terminate()

    async def _take(self, connection: asyncpg.Connection) -> bool:
        city = database().schema_name
        for number in self._seats if self.number is None else (self.number,):
            if await connection.fetchval(_TAKE, f"gateway {city} {number}"):
                self.number = number
                return True
        return False


@asynccontextmanager
async def seated(seats: Sequence[int], stop: asyncio.Event) -> AsyncIterator[Seat]:
    """Wait for a seat, at most until ``stop``, and hold it for as long as the block runs."""
    seat = Seat(seats)
    keeping = asyncio.create_task(seat.keep())
    waiting = [asyncio.create_task(event.wait()) for event in (seat.taken, stop)]
    try:
        await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        yield seat
    finally:
        for task in (keeping, *waiting):
            task.cancel()
        await asyncio.gather(keeping, *waiting, return_exceptions=True)
