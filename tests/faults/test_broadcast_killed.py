"""A broadcast whose worker is killed again and again, and then shared by two: everybody has it once."""

import asyncio
from uuid import UUID

import asyncpg
import pytest

from app.core import clock
from app.core.access import Actor, Membership
from app.core.database import unit_of_work
from app.identity.api import Member
from benchmarks import place, population
from notifications.broadcasts.repository import BATCH
from notifications.broadcasts.schemas import BroadcastStart
from notifications.broadcasts.service import start
from tests.faults.processes import House, looking, until

PEOPLE = 8 * BATCH + 17
KILLS = 3
_WRITTEN = "SELECT written FROM notifications_broadcast"
_OVER = "SELECT state = 'done' FROM notifications_broadcast"


async def _announce() -> UUID:
    held = Membership(population.OPERATOR, "operator", "operator")
    actor = Actor("account", population.identifier(1, 1), population.COMMUNITY, memberships=(held,))
    member = Member(actor, population.COMMUNITY, population.OPERATOR, "operator", "operator")
    data = {
        "texts": [{"language": "en", "title": "Water", "body": "There is none on Monday."}],
        "audience": [{"kind": "community"}],
        "channels": [],
    }
    async with unit_of_work() as session:
        return (await start(session, member, BroadcastStart.model_validate(data))).id


async def _more_than(look: asyncpg.Connection, written: int) -> int:
    async with asyncio.timeout(120):
        while (now := int(await look.fetchval(_WRITTEN))) <= written:  # noqa: ASYNC110 - another process
            await asyncio.sleep(0.002)
    return now


async def test_a_broadcast_outlives_its_workers(home: House) -> None:
    await place.execute(home.url, *population.ACCOUNTS, now=clock.now(), count=PEOPLE)
    broadcast = await _announce()
    async with looking(home.url) as look:
        written = 0
        for _ in range(KILLS):
            worker = await home.worker()
            written = await _more_than(look, written)
            await worker.kill()
        assert written < PEOPLE, "it was over before the last worker was killed"
        assert written % BATCH == 0
        workers = [await home.worker() for _ in range(2)]
        await until(look, _OVER)
        # A try that failed where two were at it is made again; its count goes by itself once it was done.
        await until(look, "SELECT count(*) = 0 FROM core_parked_row")
        assert [await worker.stop() for worker in workers] == [0, 0]

        assert await look.fetchval(_WRITTEN) == PEOPLE
        for table in ("notifications_inbox_item", "notifications_dedupe"):
            rows, people = await look.fetchrow(f"SELECT count(*), count(DISTINCT account_id) FROM {table}")
            assert (rows, people) == (PEOPLE, PEOPLE), table
        assert await look.fetchval("SELECT count(*) FROM core_parked_row") == 0
        assert await look.fetchval("SELECT id FROM notifications_broadcast") == broadcast


pytestmark = pytest.mark.filterwarnings("default::ResourceWarning")  # a killed peer's sockets end as they may
