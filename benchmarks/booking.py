"""Booking: slots of one calendar, five hundred for one slot, tickets of one pool, and a storm after which books agree.

Ours is the kernel's functions, each call in a unit of work; the limit is bare asyncpg running the very same SQL with as
many connections, which neither explains a refusal nor retries.
"""

import asyncio
import random
import time
import uuid
from collections import Counter
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import asyncpg
from sqlalchemy.dialects import postgresql
from sqlalchemy.engine import make_url

from app.core import clock, embedded, set_ids
from app.core.clock import ManualClock
from app.core.database import reading, unit_of_work
from app.core.retrying import retrying
from app.reservations import api as reservations
from app.reservations import jobs, pool_repository, repository
from app.reservations.api import CalendarTaken, PoolExhausted, Portion, Want
from benchmarks import place
from benchmarks.report import Comparison, Series, out, show
from tests.reservations.storming import Client, recount_by_hand

ROUNDS: Final = 50
EACH: Final = 10
SLOTS: Final = 500
CLIENTS: Final = 500
TICKETS: Final = 100
BUYERS: Final = 500
CONNECTIONS: Final = 8
STORM_SECONDS: Final = 60
STORMING: Final = 32
WHO: Final = uuid.UUID(int=7)
COMMUNITY: Final = uuid.UUID(int=1)
DAWN: Final = datetime(2030, 1, 1, tzinfo=UTC)
SLOT: Final = timedelta(minutes=30)
BY: Final[dict[str, Any]] = {"origin_kind": "bench", "taken_by": WHO}

_dialect = postgresql.asyncpg.dialect()  # type: ignore[no-untyped-call]  # SQLAlchemy's has no types
_LOOK_UP: Final = repository._LOOK_UP


class Bare:
    """The same SQL on bare connections."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self.pool = pool

    async def hold(self, calendar: uuid.UUID, at: datetime, until: datetime | None) -> uuid.UUID | None:
        """Take half an hour; return the reservation, or nothing if it is taken."""
        now, made = datetime.now(UTC), clock.new_id()
        spans: dict[str, Any] = {"now": now, "resource_ids": [calendar], "starts": [at], "ends": [at + SLOT]}
        binds = spans | {
            "ids": [made],
            "lanes": [None],
            "origin_ids": [WHO],
            "moved_from_ids": [None],
            "state": "held" if until else "booked",
            "expires_at": until,
            "beyond": 0,
            **BY,
        }
        async with self.pool.acquire() as connection, connection.transaction():
            await connection.fetch(_LOOK_UP.sql, *_LOOK_UP.values(spans))
            row = await connection.fetchrow(repository._TAKE.sql, *repository._TAKE.values(binds))
        return made if row[0] else None

    async def confirm(self, reservation: uuid.UUID) -> None:
        """Book what is held, with its fact."""
        statement = repository._CONFIRM._statement
        now = datetime.now(UTC)
        binds = {
            "ids": [reservation],
            "now": now,
            "fact_name": "reservations.reservation_confirmed.v1",
            "fact_critical": False,
            "fact_occurred_at": now,
            "fact_subscribers": [],
            "minted_at": set_ids.minted_at(),
        }
        async with self.pool.acquire() as connection, connection.transaction():
            await connection.fetchrow(statement.sql, *statement.values(binds))

    async def buy(self, pool_id: uuid.UUID) -> bool:
        """Buy one ticket; say whether there was one."""
        binds = {
            "ids": [clock.new_id()],
            "pool_ids": [pool_id],
            "quantities": [1],
            "origin_ids": [WHO],
            "moved_from_ids": [None],
            "now": datetime.now(UTC),
            "beyond": False,
            "state": "booked",
            "expires_at": None,
            "origin_kind": "bench",
        }
        statement = pool_repository._TAKE
        async with self.pool.acquire() as connection, connection.transaction():
            row = await connection.fetchrow(statement.sql, *statement.values(binds))
        return bool(row[0])


class Ours:
    """The kernel, each call in a unit of work."""

    async def hold(self, calendar: uuid.UUID, at: datetime, until: datetime | None) -> uuid.UUID | None:
        """Take half an hour; return the reservation, or nothing if it is taken."""
        want = Want(calendar, at, at + SLOT, WHO)

        async def attempt() -> uuid.UUID:
            async with unit_of_work() as session:
                return (await reservations.take(session, [want], hold_until=until, **BY))[0]

        try:
            return await retrying(attempt)
        except CalendarTaken:
            return None

    async def confirm(self, reservation: uuid.UUID) -> None:
        """Book what is held."""
        async with unit_of_work() as session:
            await reservations.confirm(session, [reservation])

    async def buy(self, pool_id: uuid.UUID) -> bool:
        """Buy one ticket; say whether there was one."""
        try:
            async with unit_of_work() as session:
                await reservations.allocate(session, [Portion(pool_id, 1, WHO)], origin_kind="bench")
        except PoolExhausted:
            return False
        return True


Side = Bare | Ours


async def _many(works: list[Callable[[], Awaitable[Any]]]) -> list[Any]:
    """Do all of it, as many at a time as there are connections: who waits for one waits in the client's queue."""
    queue, done = iter(works), []

    async def client() -> None:
        for work in queue:
            done.append(await work())  # noqa: PERF401 - the clients share the list

    await asyncio.gather(*(client() for _ in range(CONNECTIONS)))
    return done


async def _calendar(lanes: int = 1) -> uuid.UUID:
    async with unit_of_work() as session:
        return await reservations.register(
            session, community_id=COMMUNITY, kind="bench", subject_id=clock.new_id(), lanes=lanes
        )


async def _pool(capacity: int) -> uuid.UUID:
    async with unit_of_work() as session:
        return await reservations.open_pool(
            session, community_id=COMMUNITY, kind="bench", subject_id=clock.new_id(), capacity=capacity
        )


async def _slots(side: Side) -> float:
    """Hold and confirm every slot of a calendar; return how many a second."""
    calendar = await _calendar()

    async def one(number: int) -> None:
        held = await side.hold(calendar, DAWN + number * SLOT, datetime.now(UTC) + timedelta(minutes=10))
        if held is None:
            raise RuntimeError("a slot of its own was refused")
        await side.confirm(held)

    started = time.perf_counter()
    await _many([lambda number=number: one(number) for number in range(SLOTS)])  # type: ignore[misc]  # bound now
    return SLOTS / (time.perf_counter() - started)


async def _race(side: Side) -> float:
    """Let five hundred want one slot; return the milliseconds until all know. Exactly one has it."""
    calendar = await _calendar()
    started = time.perf_counter()
    won = await asyncio.gather(*(side.hold(calendar, DAWN, None) for _ in range(CLIENTS)))
    took = (time.perf_counter() - started) * 1000
    if sum(one is not None for one in won) != 1:
        raise RuntimeError("not exactly one had the slot")
    return took


async def _sales(side: Side) -> float:
    """Sell a pool; return how many of the buyers a second were served or turned away. Exactly all is sold."""
    pool = await _pool(TICKETS)
    started = time.perf_counter()
    won = await _many([lambda: side.buy(pool) for _ in range(BUYERS)])
    took = time.perf_counter() - started
    if sum(won) != TICKETS:
        raise RuntimeError(f"{sum(won)} of {TICKETS} were sold")
    return BUYERS / took


async def _storm() -> tuple[Counter[str], int]:
    """Let clients do as they like while the clock runs; return what they did and how much the books are wrong."""
    whose = [await _calendar(lanes) for lanes in (1, 1, 1, 1, 3)]
    pools = [await _pool(capacity) for capacity in (20, 50)]
    manual = ManualClock(datetime.now(UTC))
    before = clock.install(manual)
    clients = [Client(number, whose, pools) for number in range(STORMING)]
    end = time.monotonic() + STORM_SECONDS

    async def storming(client: Client) -> None:
        while time.monotonic() < end:
            await client.run(5)

    async def time_goes_on() -> None:
        while time.monotonic() < end:
            manual.advance(timedelta(seconds=random.randrange(5, 40)))
            await retrying(jobs.expire)
            await retrying(jobs.expire_allocations)
            await asyncio.sleep(0.05)

    try:
        await asyncio.gather(time_goes_on(), *(storming(client) for client in clients))
        async with reading() as connection:
            wrong = len(await reservations.recount(connection))
        await recount_by_hand()
    finally:
        clock.install(before)
    return sum((client.done for client in clients), Counter()), wrong


async def _measure(url: str, rounds: int) -> None:
    dsn = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
    parts = {"slots": (_slots, "/s"), "race": (_race, "ms"), "sales": (_sales, "/s")}
    ours = {name: Series("ours", unit) for name, (_, unit) in parts.items()}
    bare = {name: Series("bare asyncpg", unit) for name, (_, unit) in parts.items()}
    async with (
        asyncpg.create_pool(dsn, min_size=CONNECTIONS, max_size=CONNECTIONS) as pool,
        place.hearthline(url, plans="auto"),
    ):
        await _race(Ours())
        await _race(Bare(pool))
        for number in range(rounds):
            for name, (measure, _) in parts.items():
                if name != "race" and number % EACH:
                    continue  # one winner is to be seen in every round; how fast slots and tickets go, in some
                ours[name].add(await measure(Ours()))
                bare[name].add(await measure(Bare(pool)))
        done, wrong = await _storm()
    show(
        f"Booking, {rounds} rounds",
        [
            Comparison(f"hold and confirm {SLOTS} slots of one calendar", ours["slots"], bare["slots"], 0.5),
            Comparison(f"{CLIENTS} for one slot, until all know", ours["race"], bare["race"], 2, at_most=True),
            Comparison(f"{BUYERS} for {TICKETS} tickets", ours["sales"], bare["sales"], 0.5),
        ],
    )
    out.print(f"storm of {STORMING} clients, {STORM_SECONDS} s: {done.total():,} acts, {dict(done)}; drift: {wrong}\n")


def run(server: embedded.EmbeddedServer, rounds: int = ROUNDS) -> None:
    """Measure and print."""
    url = place.migrated(server, "booking")
    asyncio.run(_measure(url, rounds))
    server.drop_database("booking")
