"""A critical notice from its writing to the push's arrival, idle and while 50,000 bulk ones are going out.

Real worker processes, a PostgreSQL and an FCM on loopback over TLS, all on one machine: the notice shares its cores
with the fan-out. Both ends are timed by the machine's monotonic clock.
"""

import asyncio
import time
from collections.abc import Sequence
from datetime import UTC, datetime

from app.core import embedded
from app.core.database import unit_of_work
from benchmarks import fanout, place, population, processes
from benchmarks.push_sink import WATCHED, Sink, push_sink
from benchmarks.report import Comparison, Series, out, show
from eldercare.escalation.notices import DESK_TEST
from notifications.api import send

ROUNDS = 3
NOTICES = 100
PAUSE = 0.05
PATIENCE = 60.0
SETTLED_MS = 250.0  # a worker that is still starting stands aside for seconds
SETTLED_IN_A_ROW = 5

_LATER = "UPDATE notifications_delivery SET send_at = :now + interval '1 hour' WHERE send_at IS NOT NULL"
_NOW = "UPDATE notifications_delivery SET send_at = :now WHERE send_at IS NOT NULL"


async def _tell(numbers: Sequence[int]) -> dict[str, float]:
    """Write a critical notice for each of these residents, one after the other; return when, by its key."""
    written = {}
    for number in numbers:
        key = f"{WATCHED}-{number}"
        written[key] = time.monotonic()
        async with unit_of_work() as session:
            account = population.identifier(1, number)
            await send(session, DESK_TEST, [account], community_id=population.COMMUNITY, dedupe_key=key)
        await asyncio.sleep(PAUSE)
    return written


async def _waits(sink: Sink, numbers: Sequence[int]) -> list[float]:
    """Return the milliseconds each notice took, in order of size; raises ``TimeoutError`` if one does not arrive."""
    written = await _tell(numbers)
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        arrivals = sink.counted().arrivals
        if written.keys() <= arrivals.keys():
            return sorted((arrivals[key] - at) * 1000 for key, at in written.items())
        await asyncio.sleep(0.1)
    raise TimeoutError(f"of {len(written)} critical notices some did not arrive in {PATIENCE} s")


async def _until_settled(sink: Sink) -> None:
    """Return when every process is loaded and connected: when notices arrive promptly, a few in a row."""
    prompt = 0
    for number in range(fanout.MESSAGES, 0, -1):
        (wait,) = await _waits(sink, [number])
        prompt = prompt + 1 if wait < SETTLED_MS else 0
        if prompt == SETTLED_IN_A_ROW:
            return


async def _round(url: str, sink: Sink) -> tuple[list[float], list[float], int]:
    """Return the waits idle and in the rush, and how many bulk messages went out in the meantime."""
    with processes.worker(processes.environment(url, **sink.environment())):
        async with place.hearthline(url):
            await _until_settled(sink)
            sink.counted(anew=True)
            idle = await _waits(sink, range(1, 1 + NOTICES))
            await place.execute(url, _NOW, now=datetime.now(UTC))
            while sink.counted().taken < NOTICES + 1_000:  # noqa: ASYNC110 - another process sends them
                await asyncio.sleep(0.05)
            before = sink.counted().taken
            rush = await _waits(sink, range(1 + NOTICES, 1 + 2 * NOTICES))
            after = sink.counted().taken
    if after >= fanout.MESSAGES + 2 * NOTICES:
        raise AssertionError("the rush was over before the notices were: nothing was measured")
    return idle, rush, after - before - NOTICES


def run(server: embedded.EmbeddedServer) -> None:
    """Measure and print."""
    template = "critical_template"
    url = place.migrated(server, template)
    asyncio.run(place.execute(url, *population.PEOPLE, now=datetime.now(UTC), count=fanout.MESSAGES))
    asyncio.run(fanout.prepare(url, fanout.MESSAGES))
    asyncio.run(place.execute(url, _LATER, now=datetime.now(UTC)))
    series = {name: Series(name, "ms") for name in ("rush p99", "idle p99", "rush p50", "idle p50")}
    meanwhile: list[int] = []
    with push_sink() as sink:
        for _ in range(ROUNDS):
            sink.counted(anew=True)
            idle, rush, sent = asyncio.run(_round(place.cloned(server, "critical", template), sink))
            meanwhile.append(sent)
            for name, waits in (("idle", idle), ("rush", rush)):
                series[f"{name} p50"].add(waits[len(waits) // 2])
                series[f"{name} p99"].add(waits[len(waits) * 99 // 100])
    show(
        f"A critical notice to the phone, while {fanout.MESSAGES:,} bulk pushes go out",
        [
            Comparison("slowest 1 % in the rush", series["rush p99"], series["idle p99"], 3, at_most=True),
            Comparison("middle in the rush", series["rush p50"], series["idle p50"], 3, at_most=True),
        ],
    )
    out.print(f"bulk pushes that left meanwhile: {', '.join(f'{count:,}' for count in meanwhile)}\n")
    for name in ("critical", template):
        server.drop_database(name)
