"""Asked to stop, a process finishes what it has in hand, gives back what it claimed, and leaves nothing open."""

import asyncio
import signal
from pathlib import Path

import asyncpg
import httpx
import pytest

from tests.faults.people import OPEN, check_in_id, settle_in, signed_in
from tests.faults.processes import House, eventually, looking, until
from tests.faults.test_storm_killed import pushing_to
from tests.sinks.fcm import fcm_sink
from tests.streams import following

_BACKENDS = """
SELECT pid FROM pg_stat_activity
WHERE datname = current_database() AND application_name = 'hearthline' AND backend_type = 'client backend'"""
_WAITING = """
SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock')"""


async def _backends(look: asyncpg.Connection) -> set[int]:
    """Return the connections Hearthline has to the database; the test's own pools may be among them."""
    return {row["pid"] for row in await look.fetch(_BACKENDS)}


async def _none_left(look: asyncpg.Connection, before: set[int]) -> None:
    async def are_gone() -> bool:
        return await _backends(look) <= before

    await eventually(are_gone, "connections closed")


async def test_requests_in_flight_finish(home: House) -> None:
    await settle_in(home.url, 3, then=(OPEN,))
    headers = [await signed_in(number) for number in (1, 2, 3)]
    async with looking(home.url) as look, looking(home.url) as holder:
        before = await _backends(look)
        api = await home.api()
        async with httpx.AsyncClient(base_url=api.url, timeout=60) as client, holder.transaction():
            await holder.execute("SELECT FROM eldercare_check_in FOR UPDATE")
            answers = [
                asyncio.create_task(
                    client.post(f"/v1/me/check-ins/{check_in_id(n)}/answer", headers=signed, json={"status": "ok"})
                )
                for n, signed in enumerate(headers, start=1)
            ]
            await until(look, _WAITING)
            api.send(signal.SIGTERM)
            await eventually(lambda: _refuses(api.url), "no further request is taken")
            assert not any(answer.done() for answer in answers)
            assert not api.exited.done()
            await holder.execute("ROLLBACK; BEGIN")
            finished = await asyncio.gather(*answers)
        assert [answer.status_code for answer in finished] == [200, 200, 200]
        assert await api.stop() == 0, api.written()
        assert await look.fetchval("SELECT count(*) FROM eldercare_check_in WHERE state = 'answered'") == 3
        await _none_left(look, before)


async def test_a_live_stream_ends_in_order(home: House) -> None:
    await settle_in(home.url, 1, then=(OPEN,))
    async with looking(home.url) as look:
        before = await _backends(look)
        # Were the stream to be waited for, this is how long it would take.
        api = await home.api(HEARTHLINE_HTTP_SHUTDOWN_GRACE="80")
        async with following(f"{api.url}/v1/me/inbox/stream", await signed_in(1)) as stream:
            await stream.until("unread")
            api.send(signal.SIGTERM)
            assert await stream.next() is None
        assert await asyncio.wait_for(asyncio.shield(api.exited), 40) == 0, api.written()
        await _none_left(look, before)


async def _refuses(url: str) -> bool:
    async with httpx.AsyncClient() as client:
        try:
            await client.get(f"{url}/health/live")
        except httpx.TransportError:
            return True
    return False


async def test_the_worker_finishes_its_batch_and_gives_back_its_claims(home: House, tmp_path: Path) -> None:
    residents = 600
    await settle_in(home.url, residents)
    async with fcm_sink() as sink, looking(home.url) as look:
        before = await _backends(look)
        # The lease is the usual minute: what was not given back would not be sent within this test.
        settings = {**pushing_to(sink, tmp_path), "HEARTHLINE_WORKER_BATCH": "25"}
        for _ in range(3):
            sent = await look.fetchval("SELECT count(*) FROM notifications_delivery WHERE state = 'sent'")
            if sent == residents:
                break
            worker = await home.worker(**settings)
            await until(look, "SELECT count(*) > $1 FROM notifications_delivery WHERE state = 'sent'", sent)
            assert await worker.stop() == 0, worker.written()
            held = await look.fetchval("SELECT count(*) FROM notifications_delivery WHERE state = 'sending'")
            assert held == 0, worker.written()
            halves = await look.fetchval(
                """SELECT count(*) FROM eldercare_check_in c FULL JOIN notifications_delivery d ON d.origin_id = c.id
                   WHERE (c.state = 'prompted') IS DISTINCT FROM (d.id IS NOT NULL)"""
            )
            assert halves == 0
            await _none_left(look, before)
        await home.worker(**settings)
        async with asyncio.timeout(40):
            await sink.wait_for(residents)
        assert len(sink.screens) == len(sink.messages) == residents


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_an_idle_worker_leaves_at_once(home: House, number: signal.Signals) -> None:
    async with looking(home.url) as look:
        before = await _backends(look)
        worker = await home.worker()
        await until(look, "SELECT EXISTS (SELECT FROM eldercare_heartbeat)")
        worker.send(number)
        assert await asyncio.wait_for(asyncio.shield(worker.exited), 20) == 0, worker.written()
        await _none_left(look, before)


async def test_what_runs_beside_a_process_ends_with_it(home: House) -> None:
    """``serve`` starts a worker, the worker one for what is urgent: all three go, asked or killed."""
    async with looking(home.url) as look:
        before = await _backends(look)
        for killed in (False, True):
            served = await home.everything()
            await until(look, "SELECT EXISTS (SELECT FROM eldercare_heartbeat)")
            if killed:
                served.send(signal.SIGKILL)  # it alone: the others have to notice
            else:
                assert await served.stop() == 0, served.written()
            await _none_left(look, before)
            await look.execute("DELETE FROM eldercare_heartbeat")
