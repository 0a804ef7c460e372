"""Everybody at once, over HTTP: five hundred for as many slots of one practitioner, and five hundred for one slot.

The peers are open schedulers, measured here: under fifty clients on fifty slots of one practitioner the one serves 33
requests a second and books three to twelve of them, its slowest 1 % after 1.2 s; the other gives a slot of one seat to
two or three in sixteen of twenty rounds.
"""

import asyncio
import random
from collections import Counter
from datetime import UTC, datetime
from typing import Final

import sqlalchemy as sa

from app.core import embedded
from app.core.database import reading
from app.reservations.api import recount
from benchmarks import clinics, load, place, processes
from benchmarks.appointments import our_booking, our_bookings
from benchmarks.http import sessions
from benchmarks.report import Comparison, Series, out, show

ROUNDS: Final = 50
EACH: Final = 10
CLIENTS: Final = 500
CONNECTIONS: Final = 32
PEER_PER_SECOND: Final = 33.0
_BOOKED: Final = sa.text("SELECT count(*) FROM telemedicine_appointment WHERE status IN ('pending', 'booked')")


async def _books(url: str) -> tuple[int, int]:
    """Return how many appointments there are, and how much is wrong with the calendars."""
    async with place.hearthline(url), reading() as connection:
        return (await connection.scalar(_BOOKED)) or 0, len(await recount(connection))


def run(server: embedded.EmbeddedServer, rounds: int = ROUNDS) -> None:
    """Measure and print; every ``EACH`` rounds of one slot, five hundred slots are booked in one."""
    url, now = place.migrated(server, "rush"), datetime.now(UTC)
    crowds = 1 + -(-rounds // EACH)
    asyncio.run(
        place.execute(url, *clinics.PEOPLE, "VACUUM ANALYZE", now=now, count=CLIENTS * crowds, practitioners=crowds)
    )
    issued = asyncio.run(sessions(url, CLIENTS * crowds))
    ours, peer = Series("hold and confirm", "req/s"), Series("an open scheduler", "req/s")
    slow, all_know = Series("a booking's slowest 1 %", "ms"), Series("one slot, the slowest 1 % know after", "ms")
    second, answers = Series("0.1 s, of each of its two requests", "ms"), Counter[str]()
    expected = 0
    # On a slow machine the last of them wait longer than anybody should; what they are told is what counts here.
    environment = processes.environment(url, HEARTHLINE_DATABASE_POOL_TIMEOUT="60")
    with processes.api("app.main:create_app", environment, factory=True) as port:
        for number in range(rounds):
            if number % EACH == 0:
                first = CLIENTS * (1 + number // EACH)
                holds, confirmations = our_bookings(issued[first : first + CLIENTS], now, 2 + number // EACH)
                outcome = asyncio.run(
                    load.fire(port, holds, then=confirmations, connections=CONNECTIONS, seconds=60, once=True)
                )
                if outcome.statuses != {"201": CLIENTS, "200": CLIENTS}:
                    raise RuntimeError(f"not everybody had a slot of their own: {outcome.statuses}")
                expected += CLIENTS
                ours.add(2 * outcome.per_second)
                peer.add(PEER_PER_SECOND)
                slow.add(outcome.p99)
                second.add(200)
            pairs = [our_booking(token, 1, clinics.nth_slot(number, now)) for token in issued[:CLIENTS]]
            random.shuffle(pairs)
            holds, confirmations = [hold for hold, _ in pairs], [confirmation for _, confirmation in pairs]
            outcome = asyncio.run(
                load.fire(port, holds, then=confirmations, connections=CLIENTS, seconds=60, once=True)
            )
            answers.update(outcome.statuses)
            if outcome.statuses != {"201": 1, "200": 1, "409": CLIENTS - 1}:
                raise RuntimeError(f"not exactly one had the slot: {outcome.statuses}")
            expected += 1
            all_know.add(outcome.p99)
    booked, wrong = asyncio.run(_books(url))
    show(
        f"A rush of {CLIENTS}, {rounds} rounds",
        [
            Comparison(f"{CLIENTS} slots of one, {CONNECTIONS} connections", ours, peer, 10),
            Comparison("the same, slowest 1 %", slow, second, 1, at_most=True),
        ],
    )
    out.print(
        f"{CLIENTS} for one slot: {dict(answers)}, {all_know.text()}; booked {booked} of {expected}; drift: {wrong}"
    )
    server.drop_database("rush")
