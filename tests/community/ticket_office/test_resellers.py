"""A reseller alone sells what it has; what is unsold goes back by itself, once, and what was sold is accounted for."""

import asyncio
from datetime import timedelta

from app.core.clock import ManualClock
from tests.community.ticket_office.conftest import PRICE, Scene, no_drift, told, work
from tests.factories import community_ticketing as ticketing
from tests.factories import sign_in


async def test_what_a_reseller_has_nobody_else_can_have(scene: Scene) -> None:
    allotment = await scene.allotted()
    shift = await scene.opened()
    refused = await scene.sold(shift, scene.item(quantity=6), total=6 * PRICE, expect=409)
    await scene.sold(shift, scene.item(quantity=5), total=5 * PRICE)
    share = (await scene.shares(allotment))[0]
    sold = await scene.resold(share, 5)
    more = await scene.resold(share, expect=409)

    assert (allotment["allotted"], allotment["sold"], allotment["reseller"]) == (10, 0, "Slow Travel")
    assert refused["code"] == "pool_exhausted"
    assert (sold["commission_amount"], len(sold["cart"]["orders"][0]["tickets"])) == (3_000, 5)
    assert sold["cart"]["orders"][0]["channel"] == "reseller"
    assert (more["code"], more["left"]) == ("nothing_allotted", 0)
    assert (await scene.left(0), await scene.left(1)) == (0, 5)
    assert await told("tickets_allotted") == ["Tess"]
    await no_drift()


async def test_what_is_unsold_goes_back_before_its_slot(scene: Scene, clock: ManualClock) -> None:
    allotment = await scene.allotted(slots=1)
    (share,) = await scene.shares(allotment)
    await scene.resold(share, 2)
    assert await scene.left() == 5
    clock.advance(timedelta(hours=18, minutes=1))
    late = await scene.resold(share, expect=409)
    await work()
    (over,) = await scene.shares(allotment)

    assert late["code"] == "nothing_allotted"
    assert (over["sold"], over["left"], over["release_reason"]) == (2, 0, "deadline")
    assert await scene.left() == 8
    await no_drift()


async def test_what_is_unsold_is_taken_back_at_once(scene: Scene) -> None:
    allotment = await scene.allotted()
    share = (await scene.shares(allotment))[0]
    await scene.resold(share)
    path = f"{scene.of}/ticket-allotments/{allotment['id']}/ending"
    await scene.ask("POST", path, by=scene.agent, expect=404)
    ended = await scene.ask("POST", path, by=scene.keeper)
    again = await scene.ask("POST", path, by=scene.keeper)

    assert (ended["sold"], ended["released"], again["version" if "version" in again else "released"]) == (1, 9, 9)
    assert (await scene.left(0), await scene.left(1)) == (9, 10)
    assert (await scene.resold(share, expect=409))["left"] == 0
    await no_drift()


async def test_all_of_an_allotment_is_there_or_none_of_it(scene: Scene, clock: ManualClock) -> None:
    shift = await scene.opened()
    await scene.sold(shift, scene.item(quantity=6, slot=1), total=6 * PRICE)
    short = await scene.allotted(expect=409)
    late = await scene.allotted(release_before="P2D", expect=409)
    unknown = await scene.allotted(reseller_id=str(scene.museum.id), expect=422)

    assert (short["code"], late["code"]) == ("pool_exhausted", "allotment_over")
    assert late["slot_ids"] == [str(slot.id) for slot in scene.offered.slots[:2]]
    assert unknown["errors"][0]["pointer"] == "/body/reseller_id"
    assert (await scene.ask("GET", f"{scene.of}/ticket-allotments", by=scene.keeper))["items"] == []
    assert (await scene.left(0), await scene.left(1)) == (10, 4)


async def test_a_quota_counts_what_a_reseller_has(scene: Scene) -> None:
    adult = scene.offered.products["adult"]
    await ticketing.quota(
        scene.museum, scene.offered.attraction_id, scene.offered.slots[:1], capacity=6, products=[adult]
    )
    allotment = await scene.allotted(slots=1)
    shift = await scene.opened()
    await scene.sold(shift, scene.item(quantity=2), total=2 * PRICE, expect=409)
    (share,) = await scene.shares(allotment)
    await scene.resold(share, 3)
    await scene.sold(shift)

    await scene.sold(shift, expect=409)
    await scene.resold(share, 2)
    await no_drift()


async def test_a_slot_that_is_called_off_is_sold_by_nobody(scene: Scene) -> None:
    allotment = await scene.allotted(slots=1)
    (share,) = await scene.shares(allotment)
    await scene.resold(share, 2)
    path = f"{scene.of}/ticket-slots/{scene.offered.slots[0].id}/cancellation"
    await scene.ask("POST", path, {"reason": "weather"}, by=scene.keeper)
    await work()
    (over,) = await scene.shares(allotment)
    month = await scene.ask("GET", f"{scene.reseller}/reseller-statements/2026-03", by=scene.agent)

    assert over["release_reason"] == "slot_cancelled"
    assert (month["amount"], month["refunded"], month["due"]) == (2 * PRICE, 2 * PRICE, 0)
    await no_drift()


async def test_a_month_of_what_was_sold_says_what_is_due(scene: Scene) -> None:
    allotment = await scene.allotted()
    first, second = await scene.shares(allotment)
    await scene.resold(first, 2)
    await scene.resold(second)
    theirs = await scene.ask("GET", f"{scene.reseller}/reseller-statements/2026-03", by=scene.agent)
    ours = await scene.ask("GET", f"{scene.of}/reseller-statements/2026-03", by=scene.keeper)
    before = await scene.ask("GET", f"{scene.of}/reseller-statements/2026-02", by=scene.keeper)

    assert (theirs["tickets"], theirs["amount"], theirs["commission"], theirs["due"]) == (3, 18_000, 1_800, 16_200)
    assert ours["lines"] == theirs["lines"]
    assert (before["lines"], before["due"]) == ([], 0)
    await scene.ask("GET", f"{scene.reseller}/reseller-statements/2026-03", by=scene.worker, expect=404)
    await scene.ask("GET", f"{scene.of}/reseller-statements/2026-13", by=scene.keeper, expect=422)


async def test_only_who_has_it_sells_it(scene: Scene) -> None:
    allotment = await scene.allotted()
    share = (await scene.shares(allotment))[0]
    body = {"share_id": share["id"], "quantity": 1, "total": PRICE}

    await scene.ask("POST", f"{scene.of}/reseller-sales", body, expect=404)
    await scene.ask("POST", f"{scene.reseller}/reseller-sales", body, expect=404)
    await scene.ask("POST", f"{scene.of}/ticket-allotments", {}, expect=403)
    had = (await scene.ask("GET", f"{scene.reseller}/reseller-allotments", by=scene.agent))["items"]
    assert [one["id"] for one in had] == [allotment["id"]]
    assert (await scene.resold(share, total=1, expect=409))["code"] == "ticket_price_changed"
    assert (await scene.shares(allotment))[0]["left"] == 5


async def test_many_who_sell_of_one_share_sell_no_more_than_there_is(scene: Scene) -> None:
    allotment = await scene.allotted(slots=1)
    (share,) = await scene.shares(allotment)
    shift = await scene.opened()
    headers = sign_in.access_headers(scene.agent)
    body = {"share_id": share["id"], "quantity": 1, "total": PRICE}
    resold = [scene.client.post(f"{scene.reseller}/reseller-sales", json=body, headers=headers) for _ in range(7)]
    over = [
        scene.client.post(
            f"{scene.of}/office-shifts/{shift['id']}/sales",
            json={"items": [scene.item()], "total": PRICE, "method": "cash"},
            headers=sign_in.access_headers(scene.worker),
        )
        for _ in range(7)
    ]
    answers = await asyncio.gather(*resold, *over)

    assert [sum(answer.status_code == 201 for answer in some) for some in (answers[:7], answers[7:])] == [5, 5]
    assert await scene.left() == 0
    await no_drift()
