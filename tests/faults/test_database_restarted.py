"""PostgreSQL goes away under load: nobody gets a 500, an SOS says whom to phone, and everything goes on by itself."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio

from app.core import clock, embedded
from app.core.settings import Settings
from tests.faults.own_server import DATABASE, down, own_server, standing_on
from tests.faults.people import OPEN, check_in_id, settle_in, signed_in
from tests.faults.processes import House, Nursery, Process, eventually, house, looking, until
from tests.faults.test_storm_killed import pushing_to
from tests.sinks.fcm import fcm_sink

CALLERS = 8
CRASHES = pytest.mark.parametrize("crash", [False, True], ids=["orderly", "crash"])


@pytest.fixture(scope="module")
def mine(server: embedded.EmbeddedServer, template: str) -> Iterator[embedded.EmbeddedServer]:
    """Run a PostgreSQL of this module's own."""
    with own_server(server, template) as running:
        yield running


@pytest_asyncio.fixture(loop_scope="session")
async def away(
    nursery: Nursery, mine: embedded.EmbeddedServer, test_settings: Settings, tmp_path: Path, request: Any
) -> AsyncIterator[House]:
    """Lend a house on a fresh database of that server."""
    name = f"t{abs(hash(request.node.name)) % 10**8}"
    mine.create_database(name, template=DATABASE)
    async with house(nursery, mine.url(name), tmp_path, HEARTHLINE_DATABASE_POOL_TIMEOUT="1") as opened:
        yield opened
    mine.drop_database(name)


@dataclass
class _Load:
    """Callers that read and write until told to stop, each write until it is taken."""

    api: Process
    statuses: Counter[int] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    over: asyncio.Event = field(default_factory=asyncio.Event)

    async def call(self, headers: dict[str, str], answering: Sequence[int]) -> None:
        """Answer the check-ins one after the other, listing them in between, until all are answered and it is over."""
        async with httpx.AsyncClient(base_url=self.api.url, timeout=60, headers=headers) as client:
            for number in answering:
                keyed = {"Idempotency-Key": str(clock.new_id())}
                path = f"/v1/me/check-ins/{check_in_id(number)}/answer"

                async def is_taken(path: str = path, keyed: dict[str, str] = keyed) -> bool:
                    return self._ok(await client.post(path, json={"status": "ok"}, headers=keyed))

                await eventually(is_taken)
                self._ok(await client.get("/v1/me/check-ins"))
            while not self.over.is_set():
                self._ok(await client.get("/v1/me/check-ins"))
                await asyncio.sleep(0.02)

    async def more(self, status: int) -> None:
        """Return once every caller could have got ``status`` again."""
        wanted = self.statuses[status] + 2 * CALLERS

        async def has_come() -> bool:
            return self.statuses[status] >= wanted or bool(self.wrong)

        await eventually(has_come, f"{status}; so far {self.statuses}")

    def _ok(self, answer: httpx.Response) -> bool:
        self.statuses[answer.status_code] += 1
        honest = answer.status_code == 200 or (
            answer.status_code == 503
            and int(answer.headers["Retry-After"]) > 0
            and answer.headers["Content-Type"] == "application/problem+json"
        )
        if not honest:
            self.wrong.append(f"{answer.status_code} {answer.text}")
            self.over.set()
        return answer.status_code == 200 or not honest


@CRASHES
async def test_requests_get_a_503_and_succeed_afterwards(
    away: House, mine: embedded.EmbeddedServer, crash: bool
) -> None:
    await settle_in(away.url, CALLERS, then=(OPEN,))
    async with standing_on(away.url):
        headers = [await signed_in(number + 1) for number in range(CALLERS)]
    api = await away.api()
    load = _Load(api)
    async with asyncio.TaskGroup() as tasks:
        for number, signed in enumerate(headers, start=1):
            tasks.create_task(load.call(signed, [number]))
        await load.more(200)
        await asyncio.to_thread(mine.restart, crash=crash)
        async with down(mine, crash=crash):
            await load.more(503)
        await load.more(200)
        load.over.set()

    assert not load.wrong, api.written()
    assert set(load.statuses) == {200, 503}
    assert not api.exited.done()
    async with looking(away.url) as look:
        assert await look.fetchval("SELECT count(*) FROM eldercare_check_in WHERE state = 'answered'") == CALLERS


@CRASHES
async def test_the_worker_reconnects_and_goes_on(
    away: House, mine: embedded.EmbeddedServer, tmp_path: Path, crash: bool
) -> None:
    residents = 600
    await settle_in(away.url, residents)
    async with fcm_sink() as sink:
        settings = pushing_to(sink, tmp_path)
        worker = await away.worker(**settings, HEARTHLINE_WORKER_BATCH="25", HEARTHLINE_WORKER_LEASE_SECONDS="3")
        for sent in (1, residents // 2):
            async with looking(away.url) as look:
                sent_by_now = f"SELECT count(*) >= {sent} FROM notifications_delivery WHERE state = 'sent'"
                await until(look, sent_by_now)
            await asyncio.to_thread(mine.restart, crash=crash)
        async with looking(away.url) as look:
            await until(
                look,
                """SELECT NOT EXISTS (SELECT FROM eldercare_check_in WHERE asked_at IS NULL)
                      AND NOT EXISTS (SELECT FROM core_event_consumption)""",
            )
            assert not worker.exited.done(), worker.written()
            found = await look.fetch("SELECT channel, state, count(*) FROM notifications_delivery GROUP BY 1, 2")
            assert [tuple(row) for row in found] == [("push", "sent", residents)]
            assert await look.fetchval("SELECT count(*) FROM core_parked_row") == 0
        assert len(sink.screens) == residents
        # Also of the line for wake-ups: it would raise what had ended it.
        assert await worker.stop() == 0, worker.written()


@CRASHES
async def test_an_sos_that_cannot_be_stored_says_whom_to_phone(
    away: House, mine: embedded.EmbeddedServer, crash: bool
) -> None:
    await settle_in(
        away.url,
        1,
        then=(
            """UPDATE identity_community SET desk_phone = '+4930555100',
               emergency_numbers = '{"medical": "112", "police": "110"}'""",
        ),
    )
    async with standing_on(away.url):
        headers = await signed_in(1)
    api = await away.api()
    key = str(clock.new_id())
    async with httpx.AsyncClient(base_url=api.url, timeout=60, headers=headers) as client:
        assert (await client.get("/v1/me/sos")).status_code == 200
        async with down(mine, crash=crash):
            for _ in range(5):
                answer = await client.post("/v1/me/sos", json={"sos_id": key})
                body = answer.json()
                assert (answer.status_code, body["code"]) == (503, "sos_not_stored"), answer.text
                assert int(answer.headers["Retry-After"]) > 0
                assert body["desk_phone"] == "+4930555100"
                assert body["emergency_numbers"] == {"medical": "112", "police": "110"}
        stored = await client.post("/v1/me/sos", json={"sos_id": key})
        assert stored.status_code == 201, stored.text
        again = await client.post("/v1/me/sos", json={"sos_id": key})
        assert again.json()["id"] == stored.json()["id"]


@CRASHES
async def test_the_first_sos_after_a_restart_is_stored(away: House, mine: embedded.EmbeddedServer, crash: bool) -> None:
    """Every connection the process holds is dead by then: no caller is to find out for us."""
    await settle_in(away.url, 1)
    async with standing_on(away.url):
        headers = await signed_in(1)
    api = await away.api()
    async with httpx.AsyncClient(base_url=api.url, timeout=60, headers=headers) as client:
        before = await asyncio.gather(*(client.post("/v1/me/sos") for _ in range(20)))
        assert {answer.status_code for answer in before} == {201}
        await asyncio.to_thread(mine.restart, crash=crash)
        first = await client.post("/v1/me/sos")
        assert first.status_code == 201, first.text
