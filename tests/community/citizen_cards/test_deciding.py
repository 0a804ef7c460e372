"""One card linked by two: the second is refused and learns nothing, and the operator decides with both before them."""

from datetime import timedelta

import sqlalchemy as sa

from app.core.audit_tables import AuditEntry
from app.core.clock import ManualClock
from app.core.database import reading
from app.core.tables import table_of
from tests.community.citizen_cards.conftest import Scene, told, work


async def _both(scene: Scene) -> str:
    card = await scene.linked()
    await scene.verified(card)
    refused = await scene.linked(of=scene.bo, by=scene.neighbour, expect=409)
    assert refused.keys() == {"type", "title", "status", "instance", "code"}
    assert refused["code"] == "card_linked_elsewhere"
    assert "Grace" not in str(refused)
    return str(card["id"])


async def test_the_second_is_refused_and_the_operator_sees_both(scene: Scene) -> None:
    await _both(scene)
    await scene.linked(of=scene.bo, by=scene.neighbour, expect=409)
    (claim,) = await scene.claims()

    assert (claim["claimant"]["resident"], claim["holder"]["resident"]) == ("Bo", "Grace")
    assert (claim["full_number"], claim["holder_state"]) == ("DIS20260042", "verified")
    assert await told("cards_to_decide") == ["Olga"]
    assert await scene.listed(scene.bo, scene.neighbour) == []
    assert await scene.entitled(scene.bo) == {}
    await scene.ask("GET", "/v1/citizen-card-claims", by=scene.neighbour, expect=403)
    entries = table_of(AuditEntry)
    async with reading() as connection:
        read = await connection.scalars(
            sa.select(entries.c.resident_id).where(entries.c.action == sa.literal("card_claims:list"))
        )
        assert set(read) == {scene.grace.id, scene.bo.id}


async def test_the_holder_keeps_it(scene: Scene) -> None:
    card_id = await _both(scene)
    await scene.decided("holder")

    assert (await scene.entitled())["companion"] == card_id
    assert await scene.claims() == []
    assert (await told("card_claim_rejected"), await told("card_taken")) == (["Bo"], [])


async def test_who_claimed_it_gets_it(scene: Scene) -> None:
    await _both(scene)
    await scene.decided("claimant")

    assert await scene.entitled() == {}
    assert set(await scene.entitled(scene.bo)) == {"free_entry", "companion"}
    (lost,) = await scene.listed()
    assert (lost["state"], lost["close_reason"]) == ("removed", "decided")
    assert (await told("card_taken"), await told("card_claim_rejected")) == (["Grace"], [])
    assert await told("card_verified") == ["Bo", "Grace"]


async def test_it_is_nobodys(scene: Scene) -> None:
    await _both(scene)
    (claim,) = await scene.claims()
    await scene.decided("neither")
    path = f"/v1/citizen-card-claims/{claim['id']}/decision"
    again = await scene.ask("POST", path, {"outcome": "holder"}, by=scene.operator, expect=409)

    assert again["code"] == "card_claim_decided"
    assert (await scene.entitled(), await scene.entitled(scene.bo)) == ({}, {})
    assert (await told("card_taken"), await told("card_claim_rejected")) == (["Grace"], ["Bo"])


async def test_a_holder_who_removed_it_meanwhile_stands_in_nobodys_way(scene: Scene) -> None:
    card_id = await _both(scene)
    await scene.ask("DELETE", f"/v1/residents/{scene.grace.id}/citizen-cards/{card_id}", expect=204)
    (claim,) = await scene.claims()
    await scene.decided("claimant")

    assert (claim["holder"], claim["holder_state"]) == (None, None)
    assert set(await scene.entitled(scene.bo)) == {"free_entry", "companion"}


async def test_the_operator_is_reminded_until_it_is_decided(scene: Scene, clock: ManualClock) -> None:
    await _both(scene)
    clock.advance(timedelta(days=1, minutes=1))
    await work()
    await scene.decided("holder")
    clock.advance(timedelta(days=2))
    await work()

    assert await told("cards_to_decide") == ["Olga", "Olga"]
