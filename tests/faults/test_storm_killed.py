"""The morning storm with a worker that is killed again and again: everybody is asked once, no notice is lost."""

import asyncio
import random
import secrets
from collections.abc import Mapping
from pathlib import Path

import asyncpg
import pytest

from tests.faults.people import settle_in
from tests.faults.processes import House, Process, looking, until
from tests.sinks.fcm import PROJECT, FcmSink, fcm_sink

RESIDENTS = 1_500
KILLS = 20
LEASE_SECONDS = 2

_PROGRESS = """
SELECT (SELECT count(*) FROM eldercare_check_in WHERE prompted_at IS NOT NULL)
     + (SELECT count(*) FROM notifications_delivery WHERE channel = 'push' AND state IN ('sent', 'unconfirmed'))"""
_OVER = """
SELECT NOT EXISTS (SELECT FROM eldercare_check_in WHERE next_prompt_at IS NOT NULL)
   AND NOT EXISTS (SELECT FROM notifications_delivery WHERE channel = 'push' AND send_at IS NOT NULL)
   AND NOT EXISTS (SELECT FROM core_event_consumption)"""


def pushing_to(sink: FcmSink, directory: Path) -> Mapping[str, str]:
    """Return the settings that make ``sink`` the provider of pushes."""
    return {
        "HEARTHLINE_PUSH_PROVIDERS": '["fcm"]',
        "HEARTHLINE_PUSH_FCM_PROJECT": PROJECT,
        "HEARTHLINE_PUSH_FCM_ENDPOINT": sink.url,
        "HEARTHLINE_PUSH_FCM_CREDENTIALS": str(sink.write_credentials(directory)),
    }


async def _kill_at(look: asyncpg.Connection, worker: Process, mark: int, chance: random.Random) -> int:
    """Kill ``worker`` once the storm has come to ``mark``, or a little later; return how far it had come."""
    async with asyncio.timeout(120):
        while (come := int(await look.fetchval(_PROGRESS))) < mark:
            assert not worker.exited.done(), worker.written()
            await asyncio.sleep(0.002)
    if chance.random() < 0.5:
        await asyncio.sleep(chance.uniform(0, 0.03))
    await worker.kill()
    return come


async def test_a_worker_killed_twenty_times_asks_everybody_once(home: House, tmp_path: Path) -> None:
    seed = secrets.randbits(32)
    chance = random.Random(seed)
    await settle_in(home.url, RESIDENTS)
    marks = sorted(chance.sample(range(1, 2 * RESIDENTS), KILLS))
    came: list[int] = []
    async with fcm_sink() as sink, looking(home.url) as look:
        settings = {
            **pushing_to(sink, tmp_path),
            "HEARTHLINE_WORKER_BATCH": "25",
            "HEARTHLINE_WORKER_LEASE_SECONDS": str(LEASE_SECONDS),
        }
        for mark in marks:
            worker = await home.worker(**settings)
            # Where the last life overran its mark, the next one is killed at the first thing it does.
            next_mark = min(max(mark, came[-1] + 1 if came else 1), 2 * RESIDENTS)
            came.append(await _kill_at(look, worker, next_mark, chance))
        last = await home.worker(**settings)
        await until(look, _OVER)
        await last.stop()
        repeats = len(sink.messages) - len(sink.screens)
        print(f"seed {seed}: killed at {came} of {2 * RESIDENTS}; {repeats} repeats at the sink")  # noqa: T201 - for whoever repeats it

        await _everybody_was_asked_once(look)
        screens = sink.screens
    assert {phone for phone, _ in screens} == {f"fid-{n}" for n in range(1, RESIDENTS + 1)}
    assert len(screens) == RESIDENTS, "a phone got more than one notice"


async def _everybody_was_asked_once(look: asyncpg.Connection) -> None:
    check_ins = await look.fetch(
        "SELECT resident_id, state, asked_at IS NOT NULL AND answer_by IS NOT NULL AS asked FROM eldercare_check_in"
    )
    assert len(check_ins) == RESIDENTS
    assert len({row["resident_id"] for row in check_ins}) == RESIDENTS
    assert {(row["state"], row["asked"]) for row in check_ins} == {("prompted", True)}
    # No phone here confirms anything: a slow machine may have gone on to the next channel in the end.
    deliveries = await look.fetch("SELECT account_id, state FROM notifications_delivery WHERE channel = 'push'")
    assert {row["state"] for row in deliveries} <= {"sent", "unconfirmed"}
    assert len(deliveries) == RESIDENTS
    assert len({row["account_id"] for row in deliveries}) == RESIDENTS
    for table in ("notifications_dedupe", "notifications_inbox_item"):
        rows, people = await look.fetchrow(f"SELECT count(*), count(DISTINCT account_id) FROM {table}")
        assert (rows, people) == (RESIDENTS, RESIDENTS), table
    for nothing in ("core_parked_row", "core_event_consumption", "eldercare_alarm"):
        assert await look.fetchval(f"SELECT count(*) FROM {nothing}") == 0, nothing


pytestmark = pytest.mark.filterwarnings("default::ResourceWarning")  # a killed peer's sockets end as they may
