"""Tickets at the gate: how many codes one core verifies, and a day's scans in one upload against one by one.

What limits the first is the signature alone, by the same library. Each upload brings tickets that nobody has used.
"""

import asyncio
import time
import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from app.core import clock, embedded
from app.core.database import unit_of_work
from app.identity.models import Community
from benchmarks import load, place, population, processes
from benchmarks.report import Comparison, Series, out, show
from community.gates.models import Gate
from community.gates.rules import MOST_SCANS
from community.ticket_codes import rules as codes
from tests.factories import community_attractions as attractions
from tests.factories import community_gates as gates
from tests.factories import identity, sign_in

ROUNDS: Final = 3
CODES: Final = 5_000
SINGLE: Final = 300
WANTED: Final = 5_000
"""Codes a second on one core."""


def _code(number: int) -> codes.Code:
    now = datetime(2026, 5, 1, tzinfo=UTC)
    return codes.Code(population.identifier(7, number), population.identifier(8, 1), now, now + timedelta(hours=8))


def _timed(work: Callable[[], None]) -> float:
    """Return how many codes a second of this process's own time."""
    started = time.process_time()
    work()
    return CODES / (time.process_time() - started)


def verification(rounds: int) -> list[Comparison]:
    """Measure codes against bare signatures."""
    seed = bytes(32)
    keys = codes.loaded({1: codes.public_key(seed)})
    payloads = [codes.sign(seed, 1, _code(number)) for number in range(CODES)]
    texts = [codes.encode(payload) for payload in payloads]
    signed = [(payload[34:], b"HL1" + payload[:34]) for payload in payloads]

    def ours() -> None:
        for text in texts:
            codes.verify(text, keys)

    def bare() -> None:
        for signature, message in signed:
            keys[1].verify(signature, message)

    found, limit = Series("ours", "/s"), Series("the signature alone", "/s")
    wanted = Series("wanted", "/s")
    for number in range(-1, rounds):
        figures = _timed(ours), _timed(bare)
        if number >= 0:
            found.add(figures[0])
            limit.add(figures[1])
            wanted.add(WANTED)
    return [
        Comparison(f"verify {CODES} codes, one core", found, limit, 0.7),
        Comparison("", found, wanted, 1),
    ]


async def _furnished(url: str, uploads: int) -> tuple[Gate, dict[str, str], list[list[dict[str, Any]]]]:
    """Give the community an attraction with a gate, who scans there, and scans of tickets that nobody used."""
    async with place.hearthline(url):
        async with unit_of_work() as session:
            community = await session.get_one(Community, population.COMMUNITY)
        museum = await attractions.organization(community)
        garden = await attractions.attraction(museum, hours=attractions.ALWAYS)
        gate = await gates.gate(garden)
        session_of = await sign_in.session_of(await identity.staff(museum, "worker"))
        found = []
        for number in range(uploads):
            tickets = await gates.tickets(garden, MOST_SCANS if number % 2 == 0 else SINGLE)
            found.append([_scan(text, at) for at, text in enumerate(await gates.texts(tickets))])
        return gate, sign_in.access_headers(session_of), found


def _scan(text: str, place_in_day: int) -> dict[str, Any]:
    return {
        "nonce": str(uuid.uuid4()),
        "text": text,
        "direction": "entry",
        "decision": "admitted",
        "scanned_at": (clock.now() + place_in_day * timedelta(milliseconds=1)).isoformat(),
    }


def _requests(gate: Gate, headers: dict[str, str], scans: list[dict[str, Any]], size: int) -> list[bytes]:
    sent_at = datetime.now(UTC).isoformat()
    return [
        load.request(
            "POST", f"/v1/gates/{gate.id}/scans", headers, {"scans": scans[first : first + size], "sent_at": sent_at}
        )
        for first in range(0, len(scans), size)
    ]


def _fire(port: int, requests: list[bytes]) -> load.Outcome:
    outcome = asyncio.run(load.fire(port, requests, connections=1, seconds=60, once=True))
    if outcome.failed or sum(outcome.statuses.values()) != len(requests):
        raise RuntimeError(f"not all were taken: {outcome.statuses}")
    return outcome


def run(server: embedded.EmbeddedServer, rounds: int = ROUNDS) -> None:
    """Measure and print."""
    show(f"Codes of tickets, {rounds} rounds", verification(rounds))
    name, now = "gates_ours", datetime.now(UTC)
    url = place.migrated(server, name)
    asyncio.run(place.execute(url, *population.ACCOUNTS, now=now, count=1))
    gate, headers, uploads = asyncio.run(_furnished(url, 2 * (rounds + 1)))
    asyncio.run(place.execute(url, "VACUUM ANALYZE"))
    batch, single = Series("one upload", "scans/s"), Series("one by one", "scans/s")
    seconds = []
    with processes.api("app.main:create_app", processes.environment(url), factory=True) as port:
        for number in range(-1, rounds):
            many, few = uploads[2 * (number + 1)], uploads[2 * (number + 1) + 1]
            whole = _fire(port, _requests(gate, headers, many, MOST_SCANS))
            alone = _fire(port, _requests(gate, headers, few, 1))
            if number >= 0:  # before, statements are prepared and caches get warm
                batch.add(whole.per_second * MOST_SCANS)
                single.add(alone.per_second)
                seconds.append(whole.p50 / 1000)
    title = f"{MOST_SCANS} scans of as many tickets"
    show(f"Scans over HTTP, one process, {rounds} rounds", [Comparison(title, batch, single, 5)])
    out.print(f"seconds for one upload: {', '.join(f'{one:.2f}' for one in seconds)}")
    server.drop_database(name)
