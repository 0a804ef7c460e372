"""The code of a ticket is for who may act for its holder; what it says is what the ticket says."""

from datetime import timedelta

import pytest
from sqlalchemy import update

from app.core.database import reading, unit_of_work
from community.ticket_codes import rules as codes
from community.ticket_codes.views import public_keys
from community.ticket_orders.models import TICKETS
from tests.community.gates.conftest import Scene
from tests.factories import community_gates as gates
from tests.factories import identity, sign_in


async def test_it_is_shown_to_the_holder_and_to_who_may_act_for_them(scene: Scene) -> None:
    (ticket,) = await gates.tickets(
        scene.garden, to=scene.grace, persons=2, is_named=True, needs_entitlement="senior", reentry="same_day"
    )
    ann, bob = [
        await identity.account(scene.place, name=name, phone=f"+861380000002{place}")
        for place, name in enumerate(("Ann", "Bob"))
    ]
    await identity.grant(scene.grace, ann, ("home_services:read", "home_services:order"))
    await identity.grant(scene.grace, bob, ("home_services:read",))
    path = f"/v1/tickets/{ticket.id}/code"

    shown = await scene.ask("GET", path, by=scene.resident)
    assert await scene.ask("GET", path, by=await sign_in.session_of(ann)) == shown
    assert await scene.ask("GET", path, by=scene.worker) == shown
    await scene.ask("GET", path, by=await sign_in.session_of(bob), expect=403)
    stranger = await identity.account(scene.place, name="Walter", phone="+8613800000030")
    await scene.ask("GET", path, by=await sign_in.session_of(stranger), expect=404)
    await scene.ask("GET", "/v1/tickets/x/code", by=scene.resident, expect=422)
    async with reading() as connection:
        keys = codes.loaded(await public_keys(connection, scene.place.id, scene.clock.now()))
    found = codes.verify(shown["text"], keys)
    assert (found.ticket_id, found.persons, found.revision) == (ticket.id, 2, 1)
    assert found.flags == codes.CHECK_NAME | codes.SHOW_ENTITLEMENT | codes.MAY_RETURN
    assert (found.valid_from, found.valid_until) == (ticket.valid_from, ticket.valid_until)


@pytest.mark.parametrize("state", ["held", "refunded", "cancelled", "admitted", "over"])
async def test_what_opens_nothing_has_no_code(scene: Scene, state: str) -> None:
    (ticket,) = await gates.tickets(scene.garden, to=scene.grace)
    if state == "over":
        scene.clock.advance(gates.DAY)
    else:
        now = scene.clock.now() if state == "admitted" else None
        async with unit_of_work() as session:
            await session.execute(update(TICKETS).values(state=state, admitted_at=now))

    refused = await scene.ask("GET", f"/v1/tickets/{ticket.id}/code", by=scene.resident, expect=409)
    assert refused["code"] == "ticket_not_valid"


async def test_who_may_come_back_keeps_the_code(scene: Scene) -> None:
    (ticket,) = await gates.tickets(scene.garden, to=scene.grace, reentry="same_day")
    path = f"/v1/tickets/{ticket.id}/code"
    shown = await scene.ask("GET", path, by=scene.resident)
    await scene.bring([scene.scan(text=shown["text"])])
    scene.clock.advance(timedelta(hours=1))

    assert await scene.ask("GET", path, by=scene.resident) == shown
