"""Two API processes and two workers on one database behave as one."""

import asyncio
import statistics
import time
import uuid
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import httpx
import pytest
import pytest_asyncio

from app.core import clock
from tests.factories import eldercare_alarms as alarms
from tests.factories.identity import community, resident
from tests.factories.notifications import phone
from tests.factories.sign_in import sign_in_resident
from tests.faults.people import settle_in
from tests.faults.processes import House, looking, until
from tests.faults.test_storm_killed import pushing_to
from tests.sinks.fcm import FcmSink, fcm_sink

RESIDENTS = 800
ALARMS = 9
_OVER = """
SELECT count(*) = 0 FROM core_event_consumption
HAVING NOT EXISTS (SELECT FROM eldercare_check_in WHERE next_prompt_at IS NOT NULL)
   AND NOT EXISTS (SELECT FROM notifications_delivery WHERE send_at IS NOT NULL)"""

Pair = tuple[httpx.AsyncClient, httpx.AsyncClient]


@pytest_asyncio.fixture(loop_scope="session")
async def pair(home: House) -> AsyncIterator[Pair]:
    """Run two API processes and lend a client of each."""
    one, other = await asyncio.gather(home.api(), home.api())
    async with (
        httpx.AsyncClient(base_url=one.url, timeout=30) as first,
        httpx.AsyncClient(base_url=other.url, timeout=30) as second,
    ):
        yield first, second


@pytest.fixture
def unique() -> Callable[[], str]:
    """Return a maker of keys."""
    return lambda: str(clock.new_id())


async def test_two_workers_ask_everybody_once(home: House, tmp_path: Path) -> None:
    async with fcm_sink() as sink, looking(home.url) as look:
        settings = {**pushing_to(sink, tmp_path), "HEARTHLINE_WORKER_BATCH": "25"}
        workers = [await home.worker(**settings) for _ in range(2)]
        await settle_in(home.url, RESIDENTS)
        await until(look, _OVER)
        stopped = [await worker.stop() for worker in workers]

        assert stopped == [0, 0]
        assert set(sink.screens.values()) == {1}
        assert len(sink.screens) == RESIDENTS
        # Made, asked, and its window opened by the one fact that the prompt arrived: nothing was done a second time.
        versions = await look.fetch("SELECT version, count(*) FROM eldercare_check_in GROUP BY 1")
        assert [tuple(row) for row in versions] == [(3, RESIDENTS)]
        # That the prompt arrived, and that pages which show it have changed: each once.
        facts = await look.fetchrow("SELECT count(*), count(DISTINCT (name, aggregate_id)) FROM core_event")
        assert tuple(facts) == (2 * RESIDENTS, 2 * RESIDENTS)


async def test_a_limit_is_shared(pair: Pair) -> None:
    answers = [await pair[n % 2].post("/v1/pairings/redemption", json={"code": "ABCD-EFGH"}) for n in range(40)]

    assert [answer.status_code == 429 for answer in answers] == [False] * 30 + [True] * 10
    assert all(int(answer.headers["Retry-After"]) > 0 for answer in answers[30:])


async def test_a_revoked_session_is_refused_by_both_at_once(pair: Pair) -> None:
    headers = await sign_in_resident(await resident(await community()))
    for client in pair:
        assert (await client.get("/v1/me/account", headers=headers)).status_code == 200

    assert (await pair[0].delete("/v1/me/sessions/current", headers=headers)).status_code == 204

    for client in pair:
        assert (await client.get("/v1/me/account", headers=headers)).status_code == 401


async def test_a_key_is_honoured_by_both(home: House, pair: Pair, unique: Callable[[], str]) -> None:
    person = await resident(await community())
    headers = await sign_in_resident(person)
    for number in range(5):
        body = {"kind": "email", "value": f"box-{number}@example.org", "capabilities": ["email"]}
        keyed = headers | {"Idempotency-Key": unique()}

        async def add(client: httpx.AsyncClient, keyed=keyed, body=body) -> httpx.Response:  # type: ignore[no-untyped-def]
            return await _until_final(lambda: client.post("/v1/me/contact-points", headers=keyed, json=body))

        answers = await asyncio.gather(*(add(client) for client in pair * 3))

        assert {answer.status_code for answer in answers} == {201}, [answer.text for answer in answers]
        assert len({answer.content for answer in answers}) == 1
        assert sum("Idempotent-Replayed" not in answer.headers for answer in answers) == 1
    async with looking(home.url) as look:
        assert await look.fetchval("SELECT count(*) FROM identity_contact_point") == 5


async def _until_final(send: Callable[[], Awaitable[httpx.Response]]) -> httpx.Response:
    while (answer := await send()).status_code == 409:
        assert (answer.json()["code"], answer.headers["Retry-After"]) == ("idempotent_request_running", "1")
        await asyncio.sleep(0.05)
    return answer


async def test_an_sos_that_reaches_both_is_one(home: House, pair: Pair, unique: Callable[[], str]) -> None:
    headers = await sign_in_resident(await resident(await community()))
    for _ in range(5):
        body = {"sos_id": unique()}
        answers = await asyncio.gather(*(client.post("/v1/me/sos", headers=headers, json=body) for client in pair * 3))
        assert {answer.status_code for answer in answers} == {201}, [answer.text for answer in answers]
        assert len({answer.json()["id"] for answer in answers}) == 1
    async with looking(home.url) as look:
        assert await look.fetchval("SELECT count(*) FROM eldercare_alarm") == 1
        assert await look.fetchval("SELECT count(*) FROM eldercare_alarm_signal") == 5


async def test_a_call_through_one_process_wakes_the_workers(home: House, pair: Pair, tmp_path: Path) -> None:
    scenes = [await alarms.scene(circle=1) for _ in range(ALARMS)]
    for scene in scenes:
        await phone(scene.circle[0], fid=f"fid-{scene.resident.id}")
    callers = [await sign_in_resident(scene.resident) for scene in scenes]
    async with fcm_sink() as sink, looking(home.url) as look:
        for _ in range(2):
            await home.worker(**pushing_to(sink, tmp_path))
        await until(look, "SELECT EXISTS (SELECT FROM eldercare_heartbeat)")
        waits = [
            await _from_call_to_phone(pair[n % 2], sink, headers, scenes[n].resident.id)
            for n, headers in enumerate(callers)
        ]

    assert set(sink.screens.values()) == {1}
    # Left to the polls of the ladder (1 s) and of the sender (2 s), it would be a second and a half.
    assert statistics.median(waits) < 0.75, waits


async def _from_call_to_phone(
    client: httpx.AsyncClient, sink: FcmSink, headers: dict[str, str], resident_id: uuid.UUID
) -> float:
    """Return the seconds from an SOS being answered to the push being at the phone of the first of the circle."""
    answer = await client.post("/v1/me/sos", headers=headers, json={"countdown_seconds": 0})
    assert answer.status_code == 201, answer.text
    started = time.monotonic()
    async with asyncio.timeout(30), sink.taken:
        await sink.taken.wait_for(lambda: Counter(phone for phone, _ in sink.screens)[f"fid-{resident_id}"] > 0)
    return time.monotonic() - started
