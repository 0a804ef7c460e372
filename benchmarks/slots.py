"""Looking for a time at a clinic with a long past: what it costs, by how many appointments are over.

Two hundred practitioners can be booked for sixty days. A page is asked for while nothing is booked ahead, with three
slots of five taken, and when nobody has any time for fifty days. Needs 2 GB of disk while it runs.
"""

import asyncio
import time
from datetime import UTC, datetime
from typing import Final

from app.core import embedded
from app.core.database import reading
from app.core.paging import PageRequest
from benchmarks import clinics, place, population
from benchmarks.report import Comparison, Series, show
from telemedicine.clinics.service import slots
from telemedicine.clinics.views.offers import SlotQuery

ROUNDS: Final = 5
PRACTITIONERS: Final = 200
RESIDENTS: Final = 2_000
FEW: Final = 10_000
CALLS: Final = 5
AHEAD: Final = {
    "nothing booked ahead": (),
    "60 % booked ahead": (clinics.SIXTY_PERCENT,),
    "nobody free for 50 days": (clinics.NOTHING_AHEAD, clinics.FULL),
}


async def _milliseconds(url: str, query: SlotQuery) -> list[float]:
    """Return what a page took in the middle, round by round."""
    found = []
    async with place.hearthline(url, plans="auto"):
        for number in range(ROUNDS + 1):
            started = time.perf_counter()
            for _ in range(CALLS):
                async with reading() as connection:
                    page = await slots.search(connection, query, None, PageRequest(20, None))
                if len(page.items) != 20:
                    raise AssertionError(f"{len(page.items)} slots")
            if number:  # once to open connections and prepare statements
                found.append((time.perf_counter() - started) / CALLS * 1000)
    return found


def run(server: embedded.EmbeddedServer, size: int = 1_000_000) -> None:
    """Measure and print; ``size`` is how many appointments the long past has."""
    found: dict[int, dict[str, list[float]]] = {}
    of_all = SlotQuery(community_id=population.COMMUNITY)
    of_one = SlotQuery(community_id=population.COMMUNITY, practitioner_id=clinics.practitioner(7))
    for behind in (FEW, size):
        url, now = place.migrated(server, "slots"), datetime.now(UTC)
        values = {"count": RESIDENTS, "practitioners": PRACTITIONERS, "each": behind // PRACTITIONERS}
        asyncio.run(place.execute(url, *clinics.PEOPLE, *clinics.PAST, "VACUUM ANALYZE", now=now, **values))
        found[behind] = {}
        for name, statements in AHEAD.items():
            asyncio.run(place.execute(url, *statements, "ANALYZE", now=now, **values))
            found[behind][f"anybody's 20, {name}"] = asyncio.run(_milliseconds(url, of_all))
            found[behind][f"one's 20, {name}"] = asyncio.run(_milliseconds(url, of_one))
        server.drop_database("slots")
    show(
        f"Looking for a time: {size:,} appointments that are over, against {FEW:,}",
        [
            Comparison(
                name, Series(f"{size:,}", "ms", found[size][name]), Series(f"{FEW:,}", "ms", few), 1.3, at_most=True
            )
            for name, few in found[FEW].items()
        ],
    )
