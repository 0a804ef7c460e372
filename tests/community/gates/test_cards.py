"""A citizen card at the gate: in place of a ticket's code, or of a ticket where the attraction says so."""

from datetime import timedelta
from typing import Any

import sqlalchemy as sa

from app.core.database import reading
from community.gates.models import SCANS
from tests.community.gates.conftest import Scene, base64url, state_of
from tests.factories import community_citizen_cards as cards
from tests.factories import community_gates as gates
from tests.factories import identity

NUMBER = "DIS20260042"


def shown(scene: Scene, direction: str = "entry", **what: Any) -> dict[str, Any]:
    """Return a scan of Grace's card at a gate that has a network, and waits for the answer."""
    number = {"scheme": "disability", "number": "dis 2026-0042"}
    return scene.scan(None, direction, **{"card": number, "decision": None} | what)


async def test_a_card_opens_without_a_ticket_only_where_the_attraction_says_so(scene: Scene) -> None:
    await cards.card(scene.grace, await cards.scheme(scene.place))
    assert await scene.bring([shown(scene)]) == [("refused", "no_ticket")]
    path = f"/v1/attractions/{scene.garden.id}/gate-rules"
    rules = {"free_entitlements": ["free_entry"], "admits_companion": True}
    await scene.ask("PUT", path, rules, expect=403)
    first = await scene.ask("PUT", path, rules | {"admits_companion": False}, by=scene.keeper)
    await scene.ask("PUT", path, rules, by=scene.keeper, extra={"If-Match": '"0"'}, expect=412)
    await scene.ask("PUT", path, rules, by=scene.keeper, extra={"If-Match": f'"{first["version"]}"'})

    assert await scene.ask("GET", path) == rules | {"version": 2}
    assert await scene.bring([shown(scene, persons=2)]) == [("admitted", None)]
    assert await scene.bring([shown(scene)], scene.south) == [("refused", "already_inside")]
    scene.clock.advance(timedelta(hours=1))
    assert await scene.bring([shown(scene, "exit", persons=2)]) == [("left", None)]
    scene.clock.advance(timedelta(hours=1))
    assert await scene.bring([shown(scene)], scene.south) == [("admitted", None)]
    assert await scene.inside() == 1


async def test_a_card_stands_for_its_holders_ticket(scene: Scene) -> None:
    await cards.card(scene.grace, await cards.scheme(scene.place))
    await gates.terms(scene.garden, "free_entry")
    (ticket,) = await gates.tickets(scene.garden, to=scene.grace)

    assert await scene.bring([shown(scene)]) == [("admitted", None)]
    assert await state_of(ticket) == "admitted"
    # Its code opens nothing beside the card.
    assert await scene.bring([await scene.of(ticket, decision=None)]) == [("refused", "already_inside")]


async def test_without_a_network_a_card_is_known_by_its_salted_digest(scene: Scene) -> None:
    await cards.card(scene.grace, await cards.scheme(scene.place))
    await gates.terms(scene.garden, "free_entry")
    digests = [base64url(gates.digest(gate, NUMBER)) for gate in (scene.north, scene.south)]
    here, elsewhere = [scene.scan(card_digest=digest) for digest in digests]
    twice = scene.scan(card_digest=digests[1])

    assert await scene.bring([here, elsewhere]) == [("admitted", None), ("conflict", "unknown_card")]
    assert await scene.bring([twice], scene.south) == [("conflict", "already_inside")]
    assert {one["is_by_card"] for one in await scene.conflicts()} == {True, False}
    async with reading() as connection:
        kept = (await connection.execute(sa.select(SCANS))).mappings().all()
    said = str([dict(row) for row in kept])
    assert [word for word in (NUMBER, *digests, str(scene.grace.id)) if word in said] == []


async def test_every_day_a_card_opens_anew(scene: Scene) -> None:
    await cards.card(scene.grace, await cards.scheme(scene.place))
    await gates.terms(scene.garden, "free_entry")
    for _ in range(2):
        assert await scene.bring([shown(scene)]) == [("admitted", None)]
        scene.clock.advance(gates.DAY * 3)


async def test_a_card_nobody_verified_opens_nothing(scene: Scene) -> None:
    walter = await identity.resident(scene.place, name="Walter", phone="+8613800000008")
    await cards.card(walter, await cards.scheme(scene.place), state="pending", verified_at=None)
    await gates.terms(scene.garden, "free_entry")

    assert await scene.bring([shown(scene)]) == [("refused", "unknown_card")]


async def test_by_a_card_leaves_who_came_in_by_it_also_when_the_ticket_is_over(scene: Scene) -> None:
    await cards.card(scene.grace, await cards.scheme(scene.place))
    now = scene.clock.now()
    (used,) = await gates.tickets(scene.garden, to=scene.grace)
    assert await scene.bring([shown(scene)]) == [("admitted", None)]
    await gates.tickets(scene.garden, to=scene.grace, begins=now + timedelta(hours=8))
    scene.clock.advance(timedelta(hours=8, minutes=30))

    assert await scene.bring([shown(scene, "exit", decision="admitted")]) == [("left", None)]
    assert (await scene.inside(), await state_of(used)) == (0, "admitted")


async def test_which_numbers_are_known_is_not_found_out_by_trying(scene: Scene) -> None:
    def tried(first: int, count: int) -> dict[str, Any]:
        numbers = ({"scheme": "disability", "number": f"DIS{first + place:08}"} for place in range(count))
        scans = [scene.scan(card=number, decision=None) for number in numbers]
        return {"scans": scans, "sent_at": scene.clock.now().isoformat()}

    path = f"/v1/gates/{scene.north.id}/scans"
    await scene.ask("POST", path, tried(0, 101), expect=422)
    for place in range(6):
        await scene.ask("POST", path, tried(100 * place, 100))
    await scene.ask("POST", path, tried(600, 1), expect=429)
    scene.clock.advance(timedelta(minutes=1))
    await scene.ask("POST", path, tried(600, 1))
