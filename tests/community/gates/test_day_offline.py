"""A gate that had no network for a day brings ten thousand scans at once."""

from collections import Counter
from datetime import timedelta

import sqlalchemy as sa

from app.core.database import reading
from community.gates.models import CONFLICTS, SCANS
from community.gates.rules import MOST_SCANS
from community.ticket_codes import rules as codes
from community.ticket_orders.models import TICKETS
from tests.community.gates.conftest import Scene
from tests.factories import community_gates as gates

SECOND = timedelta(seconds=1)


def _forged(text: str) -> str:
    raw = codes.decode(text)
    return codes.encode(raw[:-1] + bytes([raw[-1] ^ 1]))


async def test_ten_thousand_scans_in_one_request_and_the_same_again(scene: Scene) -> None:
    start = scene.clock.now()
    texts = await gates.texts(await gates.tickets(scene.garden, 4_000))
    entries = [scene.scan(start + place * SECOND, text=text) for place, text in enumerate(texts)]
    exits = [scene.scan(start + (place + 5_000) * SECOND, "exit", text=text) for place, text in enumerate(texts)]
    twice = [scene.scan(start + (place + 2_000) * SECOND, text=text) for place, text in enumerate(texts[:1_000])]
    forged = [scene.scan(text=_forged(text), decision=None) for text in texts[:1_000]]
    scans = [*exits, *twice, *forged, *entries]
    assert len(scans) == MOST_SCANS
    scene.clock.advance(timedelta(hours=10))
    # The other gate let somebody in by the first ticket, too, and was heard of before.
    await scene.bring([scene.scan(start + SECOND, text=texts[0])], scene.south)
    found = await scene.bring(scans)

    assert Counter(found) == {
        ("left", None): 4_000,
        ("admitted", None): 3_999,
        ("conflict", "already_inside"): 1_001,
        ("refused", "forged"): 1_000,
    }
    async with reading() as connection:
        states = await connection.execute(sa.select(TICKETS.c.state, sa.func.count()).group_by(TICKETS.c.state))
        conflicts = await connection.scalar(sa.select(sa.func.count()).select_from(CONFLICTS))
        kept = await connection.scalar(sa.select(sa.func.count()).select_from(SCANS))
    assert [tuple(row) for row in states] == [("admitted", 4_000)]
    assert (conflicts, kept) == (1_001, MOST_SCANS + 1)
    # Who came in by a ticket for the second time is not seen leaving.
    assert await scene.inside() == 1_001
    assert await scene.bring(scans) == found


async def test_more_than_that_is_two_uploads(scene: Scene) -> None:
    scans = [scene.scan(text="") for _ in range(MOST_SCANS + 1)]
    body = {"scans": scans, "sent_at": scene.clock.now().isoformat()}

    refused = await scene.ask("POST", f"/v1/gates/{scene.north.id}/scans", body, expect=422)
    assert refused["errors"][0]["pointer"] == "/body/scans"
