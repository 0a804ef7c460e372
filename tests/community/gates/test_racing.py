"""At the same moment: a ticket that is given back and scanned, one at two gates, one upload sent twice."""

import asyncio
from typing import Any

import pytest
import sqlalchemy as sa

from app.core.database import reading, unit_of_work
from community.citizen_cards.models import CARDS
from community.gates.models import CONFLICTS, SCANS, Gate
from community.ticket_orders.models import TICKETS
from tests.community.gates.conftest import Scene
from tests.factories import community_citizen_cards as cards
from tests.factories import community_gates as gates
from tests.factories import community_ticketing as ticketing
from tests.factories import community_tickets as bought
from tests.factories import sign_in
from tests.waiting import waits

HALF = 3_000


async def held(*tables: sa.Table, go: asyncio.Event, ready: asyncio.Event) -> None:
    """Hold all rows of tables in a unit of work of its own until told to let go."""
    async with unit_of_work() as session:
        for table in tables:
            await session.execute(sa.select(table.c.id).order_by(table.c.id).with_for_update())
        ready.set()
        await go.wait()


async def one_after_the_other(first: Any, second: Any, table: sa.Table) -> tuple[Any, Any]:
    """Have two requests wait for the same rows, and go on in their order; return what each was answered."""
    go, ready = asyncio.Event(), asyncio.Event()
    holder = asyncio.create_task(held(table, go=go, ready=ready))
    await ready.wait()
    one = asyncio.create_task(first)
    await waits(one)
    other = asyncio.create_task(second)
    # The second waits for the same rows, or for the first: either way until the holder lets go.
    await waits(other)
    go.set()
    await holder
    return await one, await other


@pytest.mark.parametrize("first", ["refund", "scan"])
async def test_of_a_refund_and_a_scan_exactly_one_happens(scene: Scene, first: str) -> None:
    offered = await ticketing.on_offer(scene.museums, scene.garden.id, first=scene.clock.now())
    await ticketing.terms(scene.museums, scene.garden.id, refunds=[{"notice_hours": 0, "percent": 50}])
    ticket = await bought.ticket(scene.grace, offered.slots[0], offered.products["adult"])
    code = await scene.ask("GET", f"/v1/tickets/{ticket.id}/code", by=scene.resident)
    scan = scene.scan(text=code["text"], decision=None)
    path, body = f"/v1/ticket-orders/{ticket.order_id}/refunds", {"ticket_ids": [str(ticket.id)], "amount": HALF}

    async def refund() -> bool:
        answer = await scene.client.post(path, json=body, headers=_headers(scene))
        assert answer.status_code in {200, 409}, answer.text
        return answer.status_code == 200

    scanning = scene.bring([scan])
    if first == "refund":
        given_back, outcome = await one_after_the_other(refund(), scanning, TICKETS)
    else:
        outcome, given_back = await one_after_the_other(scanning, refund(), TICKETS)
    row = await bought.ticket_row(ticket.id)

    expected = (True, [("refused", "revoked")]) if first == "refund" else (False, [("admitted", None)])
    assert (given_back, outcome) == expected
    assert (row.state, row.refunded_amount) == (("refunded", HALF) if given_back else ("admitted", 0))
    assert await scene.inside() == (0 if given_back else 1)


def _headers(scene: Scene) -> dict[str, str]:
    return sign_in.access_headers(scene.resident)


@pytest.mark.parametrize("what", ["ticket", "card"])
async def test_two_gates_at_once_let_one_in(scene: Scene, what: str) -> None:
    if what == "ticket":
        (ticket,) = await gates.tickets(scene.garden)
        scans = [await scene.of(ticket, decision=None) for _ in range(2)]
    else:
        await cards.card(scene.grace, await cards.scheme(scene.place))
        await gates.terms(scene.garden, "free_entry")
        number = {"scheme": "disability", "number": cards.DISABILITY_NUMBER}
        scans = [scene.scan(card=number, decision=None) for _ in range(2)]
    table = TICKETS if what == "ticket" else CARDS
    found = await one_after_the_other(scene.bring(scans[:1]), scene.bring(scans[1:], scene.south), table)

    assert found == ([("admitted", None)], [("refused", "already_inside")])
    assert (await scene.inside(), await scene.conflicts()) == (1, [])


async def test_the_same_upload_twice_at_once_counts_once(scene: Scene) -> None:
    tickets = await gates.tickets(scene.garden, 20)
    scans = [scene.scan(text=text) for text in await gates.texts(tickets)]
    answers = await asyncio.gather(*(scene.bring(scans) for _ in range(3)))

    assert answers == [[("admitted", None)] * 20] * 3
    async with reading() as connection:
        assert await connection.scalar(sa.select(sa.func.count()).select_from(SCANS)) == 20
    assert await scene.inside() == 20


async def test_gates_that_bring_the_same_tickets_in_any_order_never_stand_in_a_circle(scene: Scene) -> None:
    tickets = await gates.tickets(scene.garden, 50)
    texts = await gates.texts(tickets)

    async def bring(gate: Gate, order: list[str]) -> None:
        await scene.bring([scene.scan(text=text) for text in order], gate)

    third = await gates.gate(scene.garden, "West gate")
    turned = [texts, texts[::-1], texts[25:] + texts[:25]]
    await asyncio.gather(*(bring(*one) for one in zip((scene.north, scene.south, third), turned, strict=True)))

    async with reading() as connection:
        found = await connection.scalar(sa.select(sa.func.count()).select_from(CONFLICTS))
    assert (found, await scene.inside()) == (100, 150)
